#include "gateway/server/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gateway/config/field_reader.h"
#include "gateway/server/policy_tables.h"

namespace gateway::server {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path kRoot = GATEWAY_SOURCE_DIR;

void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

/// Certificates and secrets as the deployed configurations name them, in a folder of their own.
class Check : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new fs::path(fs::temp_directory_path() / ("check-" + std::to_string(::getpid())));
    fs::create_directories(*folder_ / "tls");
    const std::string make =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        " -subj /CN=test -days 2 -keyout " +
        (*folder_ / "tls/tls.key").string() + " -out " + (*folder_ / "tls/tls.crt").string() +
        " 2>/dev/null";
    ASSERT_EQ(std::system(make.c_str()), 0);
    for (const char* name : {"internal-ca.crt", "cluster.crt"})
      fs::copy_file(*folder_ / "tls/tls.crt", *folder_ / name);
    fs::copy_file(*folder_ / "tls/tls.key", *folder_ / "cluster.key");
    write(*folder_ / "admin-token", "a token\n");
  }
  static void TearDownTestSuite() {
    fs::remove_all(*folder_);
    delete folder_;
  }

  static std::optional<std::string> variable(std::string_view name) {
    if (name == "GATEWAY_CERTIFICATES") return (*folder_ / "tls").string();
    if (name == "GATEWAY_SECRETS" || name == "GATEWAY_STATE") return folder_->string();
    return std::nullopt;
  }

  static Checked check(const std::string& text, bool kubernetes = false) {
    const fs::path file = *folder_ / "checked.yaml";
    write(file, text);
    return check_configuration(file, variable, false, kubernetes);
  }

  static fs::path* folder_;
};
fs::path* Check::folder_ = nullptr;

TEST_F(Check, PassesOnWhatIsDeployed) {
  for (const char* name : {"dev", "acc", "prod"}) {
    const Checked checked =
        check_configuration(kRoot / "config" / (std::string(name) + ".yaml"), variable, false);
    EXPECT_EQ(checked.problems, "") << name;
    EXPECT_EQ(checked.status, 0) << name;
    EXPECT_THAT(checked.ok, HasSubstr("config ok: 2 listeners, 2 upstreams, ")) << name;
  }
}

TEST_F(Check, WantsCertificatesUnlessAClusterBringsThem) {
  const std::string text = R"(version: 1
listeners: [{name: https, address: ":8443", tls: {}}]
routes: []
)";
  const Checked alone = check(text);
  EXPECT_EQ(alone.status, 1);
  EXPECT_THAT(alone.problems, HasSubstr("checked.yaml:2:"));
  EXPECT_THAT(alone.problems, HasSubstr("certificates is missing"));
  EXPECT_EQ(check(text, true).problems, "");
}

TEST_F(Check, SaysWhatIsNotThere) {
  const auto unset = [](std::string_view) { return std::nullopt; };
  const Checked checked = check_configuration(kRoot / "config/dev.yaml", unset, false);
  EXPECT_EQ(checked.status, 1);
  EXPECT_EQ(checked.ok, "");
  EXPECT_THAT(checked.problems, HasSubstr("dev.yaml:10:17: admin.token.file: environment variable "
                                          "GATEWAY_STATE is not set"));
  EXPECT_THAT(checked.problems, HasSubstr("\n2 problems\n"));
  EXPECT_THAT(check_configuration("/nowhere.yaml", unset, false).problems,
              HasSubstr("cannot read /nowhere.yaml: No such file or directory"));
}

constexpr const char* kTlsListener =
    "version: 1\nlisteners:\n  - {name: l, address: \":0\", tls: {certificates: [{certificate: \"";

TEST_F(Check, OpensTheFilesThatAreNamed) {
  const std::string folder = folder_->string();
  write(*folder_ / "empty", "");
  const std::pair<std::string, const char*> rows[] = {
      {folder + "/none\", key: \"" + folder + "/cluster.key", "No such file or directory"},
      {folder + "/empty\", key: \"" + folder + "/cluster.key", "empty is empty"},
      {folder + "/tls\", key: \"" + folder + "/cluster.key", "tls is not a file"},
      {folder + "/cluster.key\", key: \"" + folder + "/cluster.key",
       "holds no PEM block \"BEGIN CERTIFICATE\""},
      {folder + "/cluster.crt\", key: \"" + folder + "/cluster.crt",
       "holds no PEM block \"BEGIN PRIVATE KEY\""}};
  for (const auto& [files, sentence] : rows) {
    const Checked checked = check(kTlsListener + files + "\"}]}}\nroutes: []\n");
    EXPECT_EQ(checked.status, 1) << files;
    EXPECT_THAT(checked.problems, HasSubstr(sentence));
  }
}

TEST_F(Check, AFolderNeedsAPair) {
  fs::create_directories(*folder_ / "bare");
  const Checked checked = check(
      "version: 1\nlisteners:\n  - {name: l, address: \":0\", tls: {certificates: [{folder: \"" +
      (*folder_ / "bare").string() + "\"}]}}\nroutes: []\n");
  EXPECT_THAT(checked.problems, HasSubstr("holds no certificate (.crt or .pem) with its .key"));
}

TEST_F(Check, SecretsAreThereButNotShown) {
  const Checked checked = check(
      "version: 1\nlisteners: [{name: l, address: \":0\"}]\nroutes: []\n"
      "admin: {address: \"127.0.0.1:1\", token: {env: NO_SUCH}}\n");
  EXPECT_THAT(checked.problems, HasSubstr("environment variable NO_SUCH is not set"));
}

TEST_F(Check, TriesTheAccessLogAndLeavesNoTrace) {
  const std::string folder = folder_->string();
  write(*folder_ / "old.log", "a line\n");
  const auto log = [](const std::string& path) {
    return check(
        "version: 1\nlisteners: [{name: l, address: ':0'}]\nroutes: []\n"
        "access_log: {path: " +
        path + "}\n");
  };
  for (const char* good : {"/old.log", "/new.log"})
    EXPECT_EQ(log(folder + good).problems, "") << good;
  EXPECT_FALSE(fs::exists(*folder_ / "new.log"));
  EXPECT_EQ(fs::file_size(*folder_ / "old.log"), 7U);
  EXPECT_THAT(log(folder + "/none/new.log").problems,
              HasSubstr("checked.yaml:4:20: access_log.path: access log " + folder +
                        "/none/new.log: No such file or directory (make the folder " + folder +
                        "/none)\n"));
  EXPECT_THAT(log(folder).problems, HasSubstr("Is a directory (name a file in it)"));
  EXPECT_THAT(log(folder + "/old.log/x").problems, HasSubstr("Not a directory"));
}

// What only the compiled parts can tell is shown like all else.
TEST_F(Check, ProblemsOfCompilingHaveAPlace) {
  const std::string folder = folder_->string();
  fs::create_directories(*folder_ / "mismatch");
  ASSERT_EQ(std::system(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
                         " -subj /CN=other -days 2 -keyout " +
                         folder + "/mismatch/tls.key -out /dev/null 2>/dev/null")
                            .c_str()),
            0);
  fs::copy_file(*folder_ / "tls/tls.crt", *folder_ / "mismatch/tls.crt",
                fs::copy_options::overwrite_existing);
  const std::string mismatch = folder + "/mismatch";
  const Checked checked = check(
      "version: 1\n"
      "listeners:\n"
      "  - name: l\n"
      "    address: ':0'\n"
      "    tls: {certificates: [{folder: " +
      mismatch +
      "}]}\n"
      "  - name: weak\n"
      "    address: '127.0.0.2:0'\n"
      "    tls: {ciphers: NONSENSE, certificates: [{folder: " +
      folder +
      "/tls}]}\n"
      "upstreams:\n"
      "  - {name: b, private: true, endpoints: ['127.0.0.1:1']}\n"
      "  - name: a\n"
      "    endpoints: ['127.0.0.1:1']\n"
      "    tls: {server_name: a, ca: " +
      folder + "/tls/tls.crt, certificate: " + mismatch + "/tls.crt, key: " + mismatch +
      "/tls.key}\n"
      "routes:\n"
      "  - name: r\n"
      "    forward: a\n"
      "    filters:\n"
      "      - {type: token, upstream: b, user_header: X-User}\n"
      "      - {type: header_edits, request: {set: {X-User: me}}}\n");
  EXPECT_THAT(checked.problems, HasSubstr("checked.yaml:5:5: listeners[0].tls: listener l: "));
  EXPECT_THAT(checked.problems, HasSubstr("does not belong to the certificate"));
  EXPECT_THAT(checked.problems, HasSubstr("checked.yaml:8:5: listeners[1].tls: listener weak: "));
  EXPECT_THAT(checked.problems, HasSubstr("checked.yaml:13:5: upstreams[1].tls: upstream a: "));
  EXPECT_THAT(checked.problems, HasSubstr("checked.yaml:19:9: routes[0].filters[1]: "));
  EXPECT_THAT(checked.problems, HasSubstr("\n4 problems\n"));
}

// Defaults of policies are texts: each must read as its own option.
TEST(PolicyTables, DefaultsAreValid) {
  for (const auto table : {policy_tables().filters, policy_tables().balancers}) {
    for (const config::Policy& policy : table) {
      config::Value::Map options;
      config::fill_defaults(options, policy.fields);
      for (const config::Field& field : policy.fields)
        EXPECT_FALSE(field.text.empty()) << policy.type << "." << field.name;
    }
  }
}

}  // namespace
}  // namespace gateway::server
