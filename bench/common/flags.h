#pragma once

#include <map>
#include <string>

namespace bench {

// `--name value` pairs of a measuring program. An unknown form or a missing value ends the program
// with one sentence: these programs are run by the harness, which shows their stderr.
class Flags {
 public:
  Flags(int argc, char** argv);

  std::string text(const std::string& name, const std::string& fallback) const;
  long number(const std::string& name, long fallback) const;
  double real(const std::string& name, double fallback) const;
  bool given(const std::string& name) const { return values_.count(name) != 0; }

 private:
  std::map<std::string, std::string> values_;
};

// Prints the sentence to stderr and exits 1.
[[noreturn]] void die(const std::string& sentence);

}  // namespace bench
