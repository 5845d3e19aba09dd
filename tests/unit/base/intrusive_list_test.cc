#include "gateway/base/intrusive_list.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace gateway {
namespace {

struct Ready {};
struct Waiting {};

struct Item : ListHook<Ready>, ListHook<Waiting> {
  explicit Item(char item_name) : name(item_name) {}
  char name;
};

using ReadyList = IntrusiveList<Item, Ready>;

std::string names(const ReadyList& list) {
  std::string text;
  for (Item* item = list.front(); item != nullptr; item = list.next(*item)) text += item->name;
  return text;
}

TEST(IntrusiveListTest, KeepsOrder) {
  Item a('a'), b('b'), c('c');
  ReadyList list;
  EXPECT_TRUE(list.empty());
  list.push_back(b);
  list.push_back(c);
  list.push_front(a);
  EXPECT_EQ(names(list), "abc");
  EXPECT_EQ(list.back(), &c);
  EXPECT_EQ(list.pop_front(), &a);
  EXPECT_FALSE(static_cast<ListHook<Ready>&>(a).linked());
  EXPECT_EQ(names(list), "bc");
}

TEST(IntrusiveListTest, TheDeadTakeThemselvesOut) {
  ReadyList list;
  Item a('a');
  list.push_back(a);
  {
    Item b('b');
    list.push_back(b);
  }
  EXPECT_EQ(names(list), "a");
}

TEST(IntrusiveListTest, ADyingListLetsItsMembersGo) {
  Item a('a');
  {
    ReadyList list;
    list.push_back(a);
  }
  EXPECT_FALSE(static_cast<ListHook<Ready>&>(a).linked());
}

TEST(IntrusiveListTest, OneObjectStandsInTwoLists) {
  Item a('a');
  ReadyList ready;
  IntrusiveList<Item, Waiting> waiting;
  ready.push_back(a);
  waiting.push_back(a);
  static_cast<ListHook<Ready>&>(a).unlink();
  static_cast<ListHook<Ready>&>(a).unlink();
  EXPECT_TRUE(ready.empty());
  EXPECT_EQ(waiting.front(), &a);
}

TEST(IntrusiveListTest, TakesAllFromAnother) {
  Item a('a'), b('b'), c('c');
  ReadyList one, other;
  one.push_back(a);
  other.push_back(b);
  other.push_back(c);
  one.take(other);
  EXPECT_EQ(names(one), "abc");
  EXPECT_TRUE(other.empty());
}

TEST(IntrusiveListDeathTest, NothingIsListedTwice) {
  EXPECT_DEATH(
      {
        Item a('a');
        ReadyList list;
        list.push_back(a);
        list.push_back(a);
      },
      "linked");
}

}  // namespace
}  // namespace gateway
