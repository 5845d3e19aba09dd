#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/document.h"
#include "gateway/config/environment.h"
#include "gateway/config/field.h"
#include "gateway/config/problem.h"
#include "gateway/config/scalar.h"
#include "gateway/config/value.h"

namespace gateway::config {

/// Something named that must exist elsewhere: an upstream, a listener, a file, a folder, a
/// variable.
struct Reference {
  FieldType type;         ///< upstream, listener, file, folder or secret (`text` is the variable)
  bool private_upstream;  ///< a private upstream may be named
  std::string_view pem;   ///< type file: the block that must be in it
  std::string text;       ///< the name, variables expanded
  std::string path;
  const Node* node;
};

/// Turns nodes into values as fields say: types, bounds, unknown, duplicate and missing keys, short
/// forms, variables. Goes on after a problem, leaving out the value concerned, until there are
/// kMaxProblems. Linear in the document. Used once; the document and the tables must outlive it.
class FieldReader {
 public:
  FieldReader(const Document& document, const PolicyTables& tables, const Environment& environment)
      : document_(document), tables_(tables), environment_(environment) {}

  Value read(const Node& root, std::span<const Field> fields);

  /// To be completed by the caller; once there are kMaxProblems it is kept no more.
  Problem& add(const Node& node, std::string path, std::string message);
  bool full() const { return problems_.size() >= kMaxProblems; }
  Problems& problems() { return problems_; }
  const std::vector<Reference>& references() const { return references_; }
  /// Lines with a text of a secret option, which no problem may show.
  const std::set<std::uint32_t>& secret_lines() const { return secret_lines_; }

 private:
  /// Keeps `path_` right while a member or element is read.
  class Step {
   public:
    Step(FieldReader& reader, std::string_view key) : reader_(reader) {
      reader_.path_.push_back({key, 0});
    }
    Step(FieldReader& reader, std::size_t index) : reader_(reader) {
      reader_.path_.push_back({{}, index});
    }
    ~Step() { reader_.path_.pop_back(); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    FieldReader& reader_;
  };
  struct Segment {
    std::string_view key;
    std::size_t index;
  };
  struct Seen;

  Value read_value(const Node& node, const Field& field, FieldType type);
  Value read_list(const Node& node, const Field& field);
  Value read_pairs(const Node& node, const Field& field);
  Value read_map(const Node& node, const Field& field);
  Value read_texts(const Node& node, const Field& field);
  Value read_fields(const Node& node, std::span<const Field> fields, bool policy);
  void read_member(const Node& key, const Node& value, std::span<const Field> fields, Seen& seen,
                   Value::Map& out);
  void require_missing(const Node& node, std::span<const Field> fields, const Seen& seen);
  Value read_policy(const Node& node, FieldType type);
  Value read_secret(const Node& node);
  Value read_scalar(const Node& node, const Field& field, FieldType type);
  bool expand(const Node& node, bool secret, std::string& out);
  bool check_key(const Node& key);
  void refer(const Node& node, const Field& field, FieldType type, const std::string& text);

  void keep_secret(const Node& node);
  Problem& report(const Node& node, std::string message);
  void report_kind(const Node& node, const Field& field, FieldType type);
  void report_unknown(const Node& key, std::span<const Field> fields, Seen& seen);
  std::string path() const;

  const Document& document_;
  const PolicyTables& tables_;
  const Environment& environment_;
  std::vector<Segment> path_;
  Problems problems_;
  Problem one_too_many_;
  std::vector<Reference> references_;
  std::set<std::uint32_t> secret_lines_;
};

/// The defaults of options that are absent, filled in.
void fill_defaults(Value::Map& options, std::span<const Field> fields);

}  // namespace gateway::config
