# Everything a person or a pipeline runs here. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
APP ?= app-a
PREFIX ?= /usr/local
DESTDIR ?=

cmake_build = cmake --build build/$(1) -j $(JOBS)
run_tests = ctest --test-dir build/$(1) -j $(JOBS) --output-on-failure --no-tests=error

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

.PHONY: demo
demo: ## Install what is missing, build, and run the whole service on this machine until Ctrl-C
	@tools/install-dependencies build demo
	@$(MAKE) --no-print-directory programs
	@exec tools/demo

.PHONY: demo-hello demo-visitors
demo-hello: ## The same for hello: front, private back end, PostgreSQL and the gateway
demo-visitors: ## The same for the visitor counter on PostgreSQL
demo-hello demo-visitors:
	@tools/install-dependencies build $@
	@$(MAKE) --no-print-directory programs
	@exec tools/$@

.PHONY: demo-nomad
demo-nomad: ## The jobs service on a Nomad of its own, with its autoscaler (needs Go the first time)
	@tools/install-dependencies build $@
	@$(MAKE) --no-print-directory programs
	@exec tools/$@

.PHONY: demo-clean
demo-clean: ## Remove what the demos keep: databases, passwords, certificates, logs
	@tools/demo-clean

.PHONY: test
test: ## Install what is missing, build, and pass the whole test suite
	@tools/install-dependencies build test
	@$(MAKE) --no-print-directory release
	$(call run_tests,release)

.PHONY: build
build: ## Build everything for release into build/release/bin
	@tools/install-dependencies build
	@$(MAKE) --no-print-directory release

.PHONY: build-pgo
build-pgo: ## Build the programs with profile-guided optimisation into build/pgo/bin
	@tools/install-dependencies build pgo
	tools/build-pgo

.PHONY: test-kubernetes
test-kubernetes: ## Pass the tests against a real Kubernetes control plane, as root (needs Go)
	@tools/install-dependencies build kubernetes
	@$(MAKE) --no-print-directory programs
	tests/kubernetes/run

.PHONY: test-deploy
test-deploy: ## Pass test-manifests, test-terraform and test-monitoring: what is deployed, without a cluster
	@$(MAKE) --no-print-directory test-manifests
	@$(MAKE) --no-print-directory test-terraform
	@$(MAKE) --no-print-directory test-monitoring

.PHONY: test-manifests
test-manifests: ## Check chart, manifests, pipeline, package and ACME without a cluster, as root (needs Go)
	@tools/install-dependencies build test-manifests
	@$(MAKE) --no-print-directory programs
	tests/deploy/run

.PHONY: test-nomad
test-nomad: ## Pass the tests of nomad/ on real agents and the real autoscaler, as root (needs Go)
	@tools/install-dependencies build nomad
	@$(MAKE) --no-print-directory programs
	tests/nomad/run

.PHONY: test-terraform
test-terraform: ## Pass the checks of terraform/ without a cloud, as root (needs Go and npm)
	@tools/install-dependencies terraform
	tests/terraform/run

.PHONY: test-monitoring
test-monitoring: ## Check rules, dashboards and runbooks, the queries against a gateway under load
	@tools/install-dependencies build monitoring
	@$(MAKE) --no-print-directory programs
	tests/monitoring/run

.PHONY: test-docs
test-docs: ## Build the site, check links, anchors and tables, run the commands that the pages show
	@tools/install-dependencies build site docs
	@$(MAKE) --no-print-directory programs
	tests/docs/run

.PHONY: images
images: ## Build the images of docker/ with docker, podman or buildah
	@tools/build-images

.PHONY: test-images
test-images: ## Build the images without a registry and pass their tests, as root
	@tools/install-dependencies images
	tests/images/run

.PHONY: push-images
push-images: ## Build the images and push them to REGISTRY, with their digests into build/images.txt
	@command -v docker >/dev/null || tools/install-dependencies images
	@PUSH=1 tools/build-images

.PHONY: deploy
deploy: ## Bring ENV (dev, acc, prod) to the images that were pushed; prod step by step
	@tools/install-dependencies deploy
	@command -v kubectl >/dev/null || PATH="$$(dirname "$$(tools/install-tool kubectl)"):$$PATH"; tools/deploy '$(ENV)'

.PHONY: rollout
rollout: ## Release IMAGE (by digest) of APP (app-a) in ENV step by step, or take it back
	@tools/install-dependencies deploy
	@command -v kubectl >/dev/null || PATH="$$(dirname "$$(tools/install-tool kubectl)"):$$PATH"; tools/rollout '$(ENV)' '$(IMAGE)' --app '$(APP)'

.PHONY: lint lint-infrastructure
lint: ## Check format, clang-tidy, scripts, Python, YAML, Dockerfiles, include direction and sizes
	@tools/install-dependencies build lint
	tools/lint

lint-infrastructure: ## Check the format of terraform/ and nomad/ with the pinned tools (needs Go)
	@tools/install-dependencies terraform nomad
	"$$(tools/install-tool tofu)" fmt -check -recursive -diff terraform
	"$$(tools/install-tool nomad)" fmt -check -recursive nomad

.PHONY: coverage
coverage: ## Say which lines unit and scenario tests reach, no fewer than tests/coverage-floor says
	@tools/install-dependencies build test coverage
	@$(MAKE) --no-print-directory build/coverage/build.ninja
	$(call cmake_build,coverage) --target in_process_tests
	tools/coverage

.PHONY: sanitize asan tsan
sanitize: asan tsan ## Both of the following

asan: ## Pass the whole suite under ASan and UBSan
	@tools/install-dependencies build test sanitize
	@$(MAKE) --no-print-directory build/asan/build.ninja
	$(call cmake_build,asan)
	tools/sanitize asan

tsan: ## Pass unit and scenario tests under TSan
	@tools/install-dependencies build sanitize
	@$(MAKE) --no-print-directory build/tsan/build.ninja
	$(call cmake_build,tsan) --target in_process_tests
	tools/sanitize tsan -L 'unit|scenario'

.PHONY: fuzz
fuzz: ## Run each fuzzer for FUZZ_SECONDS (60)
	@tools/install-dependencies build sanitize
	@$(MAKE) --no-print-directory build/asan/build.ninja
	$(call cmake_build,asan) --target fuzzers
	tools/fuzz $(FUZZ_SECONDS)

.PHONY: bench
bench: ## Measure against the peers (long) and write bench/RESULTS.md
	@tools/install-dependencies build bench pgo
	@bench/install-peers
	@$(MAKE) --no-print-directory release
	tools/build-pgo
	bench/run
	@if [ "$$(id -u)" -eq 0 ]; then bench/trixie; else \
	  echo "bodies are judged on Debian 13: run 'sudo bench/trixie' for these rows"; fi

.PHONY: bench-quick
bench-quick: ## The same rows in short, with more noise, into build/bench/quick
	@tools/install-dependencies build bench
	@bench/install-peers
	@$(MAKE) --no-print-directory release
	bench/run --quick

.PHONY: bench-counts
bench-counts: ## Count instructions and system calls of a request, which no busy machine changes
	@tools/install-dependencies build bench
	@$(MAKE) --no-print-directory release
	bench/run --quick --no-report --peers gateway --rows small_instructions,small_calls,policy_instructions,policy_calls

.PHONY: site
site: ## Build the documentation as a site into build/site
	@tools/install-dependencies site
	tools/build-site

.PHONY: docs
docs: ## Write again what is generated: references from the code's own tables, drawings from their text
	@tools/install-dependencies build
	@$(MAKE) --no-print-directory programs
	tools/generate-docs

.PHONY: install
install: ## Install the gateway (PREFIX=/usr/local, DESTDIR=); never overwrites a changed configuration
	@[ -x "$${GATEWAY_BIN:-build/release/bin}/gateway" ] || $(MAKE) --no-print-directory build
	@tools/install install --prefix '$(PREFIX)' --destdir '$(DESTDIR)'

.PHONY: package
package: ## Build a Debian package of the gateway into build/package (GATEWAY_BIN=: of programs built before)
	@tools/install-dependencies build package
	@[ -x "$${GATEWAY_BIN:-build/release/bin}/gateway" ] || $(MAKE) --no-print-directory programs
	@tools/package

.PHONY: uninstall
uninstall: ## Remove exactly what install made
	@tools/install uninstall --prefix '$(PREFIX)' --destdir '$(DESTDIR)'

# Without installing packages: what the targets above share.
.PHONY: release programs
release: build/release/build.ninja
	@$(call cmake_build,release)

programs: build/release/build.ninja
	@$(call cmake_build,release) --target programs

build/%/build.ninja: CMakePresets.json
	@cmake --fresh --preset $*
	@touch $@
