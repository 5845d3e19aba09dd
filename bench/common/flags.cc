#include "bench/common/flags.h"

#include <cstdio>
#include <cstdlib>

namespace bench {

Flags::Flags(int argc, char** argv) {
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (name.size() < 3 || name.compare(0, 2, "--") != 0 || i + 1 >= argc) {
      die("usage: " + std::string(argv[0]) + " [--name value]...; cannot read '" + name + "'");
    }
    values_[name.substr(2)] = argv[i + 1];
  }
}

std::string Flags::text(const std::string& name, const std::string& fallback) const {
  const auto found = values_.find(name);
  return found == values_.end() ? fallback : found->second;
}

long Flags::number(const std::string& name, long fallback) const {
  return given(name) ? std::strtol(text(name, "").c_str(), nullptr, 10) : fallback;
}

double Flags::real(const std::string& name, double fallback) const {
  return given(name) ? std::strtod(text(name, "").c_str(), nullptr) : fallback;
}

void die(const std::string& sentence) {
  std::fprintf(stderr, "%s\n", sentence.c_str());
  std::exit(1);
}

}  // namespace bench
