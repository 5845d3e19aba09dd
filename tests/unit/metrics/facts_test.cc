#include "gateway/metrics/facts.h"

#include <gtest/gtest.h>

namespace gateway {
namespace {

CertificateFact listener(std::string owner, std::string name, std::int64_t ends) {
  return {"listener", std::move(owner), std::move(name), "ecdsa", ends};
}

TEST(Facts, OfEqualNamesTheFirstToEndIsTold) {
  Facts facts;
  facts.set_certificates({listener("https", "b.test", 30), listener("https", "a.test", 50),
                          listener("https", "b.test", 20), listener("other", "b.test", 40)});
  EXPECT_EQ(facts.certificates(),
            (std::vector{listener("https", "a.test", 50), listener("https", "b.test", 20),
                         listener("other", "b.test", 40)}));
}

TEST(Facts, ThereAreNotMoreThanSoManyAndThoseThatEndLastAreLeftOut) {
  Facts facts;
  const auto most = static_cast<std::int64_t>(Facts::kMostCertificates);
  std::vector<CertificateFact> all;
  for (std::int64_t i = 0; i < most + 10; ++i)
    all.push_back(listener("https", std::to_string(i), 2 * most - i));
  facts.set_certificates(std::move(all));
  EXPECT_EQ(facts.certificates().size(), Facts::kMostCertificates);
  for (const CertificateFact& each : facts.certificates()) EXPECT_LE(each.ends, 2 * most - 10);
}

}  // namespace
}  // namespace gateway
