#include "gateway/config/document.h"

#include <algorithm>

namespace gateway::config {

Document::Document(std::string file, std::string text)
    : file_(std::move(file)), text_(std::move(text)) {
  line_starts_.push_back(0);
  for (std::size_t at = text_.find('\n'); at != std::string::npos; at = text_.find('\n', at + 1))
    line_starts_.push_back(at + 1);
  root_ = &nodes_.emplace_back();
}

std::string_view Document::line(std::uint32_t number) const {
  if (number == 0 || number > line_starts_.size()) return {};
  const std::size_t start = line_starts_[number - 1];
  const std::size_t end = number < line_starts_.size() ? line_starts_[number] - 1 : text_.size();
  std::string_view line = std::string_view(text_).substr(start, end - start);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

Problem Document::problem_at(Position at, std::size_t length) const {
  Problem problem;
  problem.place = {file_, at};
  problem.source_line = line(at.line).substr(0, kWidestText);
  problem.length = static_cast<std::uint32_t>(std::clamp<std::size_t>(length, 1, 1000));
  return problem;
}

}  // namespace gateway::config
