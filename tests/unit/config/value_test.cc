#include "gateway/config/value.h"

#include <gtest/gtest.h>

namespace gateway::config {
namespace {

SharedText shared(std::string text) {
  return SharedText(std::make_shared<const std::string>(std::move(text)));
}

TEST(Value, ATextThatIsSharedReadsAsAnyOther) {
  const Value text(shared("ann"));
  EXPECT_TRUE(text.holds<std::string>());
  EXPECT_EQ(text.as<std::string>(), "ann");
  EXPECT_EQ(text, Value(std::string("ann")));
  EXPECT_EQ(text, Value(shared("ann")));
  EXPECT_NE(text, Value(shared("bob")));
  EXPECT_NE(text, Value(std::string("bob")));
  EXPECT_NE(text, Value());
  EXPECT_EQ(text.hash(), Value(std::string("ann")).hash());
  EXPECT_FALSE(Value(true).holds<std::string>());
}

TEST(Value, CopiesOfASharedTextAreOneObject) {
  const Value::Map options{{"users", shared("ann")}};
  const Value one(options);
  const Value other(options);
  EXPECT_EQ(&one["users"].as<std::string>(), &other["users"].as<std::string>());
  EXPECT_EQ(one, other);
}

TEST(Value, HashesTellMostValuesApart) {
  const auto hash = [](Value::Map map) { return Value(std::move(map)).hash(); };
  const std::size_t hashes[] = {hash({}),
                                hash({{"a", std::string("x")}}),
                                hash({{"a", std::string("y")}}),
                                hash({{"b", std::string("x")}}),
                                hash({{"a", true}}),
                                hash({{"a", false}}),
                                hash({{"a", Size{7}}}),
                                hash({{"a", std::int64_t{7}}}),
                                hash({{"a", Duration(7)}}),
                                hash({{"a", Value::List{true}}})};
  for (const std::size_t& one : hashes)
    for (const std::size_t& other : hashes) EXPECT_EQ(one == other, &one == &other);
}

}  // namespace
}  // namespace gateway::config
