// Builds lego without the clients of some 200 DNS services, and with a version of its log's colours that the
// module proxy has: see tools/install-tool.
module gateway/tools/lego

go 1.26.0

require github.com/go-acme/lego/v5 v5.6.0

replace gitlab.com/greyxor/slogor => gitlab.com/greyxor/slogor v1.7.0
