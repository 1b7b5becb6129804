# `make help` lists the targets. Recipes stay short: the work is in tools/devstack and scripts/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Builds read the checked-in .sqlx instead of asking a database; see `make prepare`.
export SQLX_OFFLINE ?= true

TARGET := $(or $(CARGO_TARGET_DIR),target)
DEVSTACK := $(TARGET)/debug/devstack
# The demo shows how fast it is, so it runs what is shipped; the same build serves up and bench.
RELEASED := $(TARGET)/release
# The whole workspace every time: cargo then agrees with itself on features and builds a
# dependency once.
BUILD := cargo build --quiet --locked --workspace --bins
TEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo cargo nextest run || echo cargo test)

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

## Run it ##

.PHONY: setup
setup: ## Install what is missing: Postgres, Redis, a C compiler
	@scripts/setup.sh

.PHONY: demo
demo: setup release ## Sync a made-up company in and check it (DEMO_PEOPLE=20000, DEMO_EXIT=1)
	@$(RELEASED)/devstack demo

.PHONY: up
up: setup release ## Start everything in the background; addresses and tokens in .devstack/env
	@$(RELEASED)/devstack up

.PHONY: down
down: ## Stop what `up` or `demo` started
	@test -x $(RELEASED)/devstack || $(BUILD) --release
	@$(RELEASED)/devstack down

.PHONY: status
status: ## Show what runs
	@test -x $(RELEASED)/devstack || $(BUILD) --release
	@$(RELEASED)/devstack status

.PHONY: bench
bench: setup release ## Measure speed beside its floors (BENCH="--help" for options)
	@ROLLCALL_API_BIN=$(RELEASED)/rollcall-api ROLLCALL_WORKER_BIN=$(RELEASED)/rollcall-worker \
	$(RELEASED)/devstack exec --api -- $(RELEASED)/bench run $(BENCH)

.PHONY: bench-quick
bench-quick: ## The same in three minutes, with small companies
	@$(MAKE) --no-print-directory bench BENCH="--quick $(BENCH)"

.PHONY: soak
soak: setup release ## Hold 70 % of the most writes for half an hour, judge what grows (SOAK="--minutes 5")
	@ROLLCALL_API_BIN=$(RELEASED)/rollcall-api ROLLCALL_WORKER_BIN=$(RELEASED)/rollcall-worker \
	$(RELEASED)/devstack exec --api -- $(RELEASED)/bench soak $(SOAK)

.PHONY: release
release:
	@echo "building (release)"
	@$(BUILD) --release

## Check it ##

.PHONY: test
test: setup-tests debug ## Run all tests on throwaway servers (TESTS="..." selects)
	@$(DEVSTACK) exec --no-deadlocks -- $(TEST) --locked --workspace $(TESTS)
	@cargo test --quiet --locked --workspace --doc

.PHONY: setup-tests
setup-tests: ## Install what tests need beside that: headless Chromium, its driver, Python, curl, openssl
	@scripts/setup.sh browser

.PHONY: debug
debug:
	@$(BUILD) --tests

.PHONY: client-check
client-check: setup debug ## Drive a throwaway API with the scim2 client from PyPI
	@$(DEVSTACK) exec --api -- scripts/scim2-client

.PHONY: conformance
conformance: setup debug ## Run scim2-tester and scim-sanity from PyPI against a throwaway API
	@ROLLCALL_API_BIN=$(TARGET)/debug/rollcall-api $(DEVSTACK) exec --api -- scripts/conformance

.PHONY: schemathesis
schemathesis: setup debug ## Hold a throwaway API against its description (SCHEMATHESIS_EXAMPLES=100 for longer)
	@$(DEVSTACK) exec --api --worker -- scripts/schemathesis

.PHONY: screenshots
screenshots: setup-tests debug ## Take the pictures in the README anew, of the dashboard as it is now
	@$(TEST) --locked --workspace every_page
	@for picture in $(TARGET)/screenshots/readme-*.png; do cp "$$picture" "docs/images/$${picture##*/readme-}"; done

.PHONY: alerts
alerts: ## Check Prometheus rules and Grafana's queries; test when alerts fire
	@scripts/alerts

.PHONY: manifests
manifests: ## Check docker-compose.yml and the Kubernetes manifests
	@scripts/manifests

.PHONY: fuzz
fuzz: ## Fuzz filters, paths, PATCH, bodies and bulk (FUZZ_SECONDS=600 in total)
	@scripts/fuzz.sh

.PHONY: conformance-doc
conformance-doc: ## Write docs/scim-conformance.md from the comments above the tests
	@WRITE_CONFORMANCE_DOC=1 cargo test --quiet --locked --package devstack --test conformance_doc

.PHONY: config-doc
config-doc: ## Write docs/configuration.md from the settings of both programs
	@WRITE_CONFIG_DOC=1 cargo test --quiet --locked --package devstack --test config_doc

.PHONY: fmt
fmt: ## Format the code
	@cargo fmt --all

.PHONY: fmt-check
fmt-check: ## Fail when code is not formatted
	@cargo fmt --all --check

.PHONY: lint
lint: ## Clippy, warnings are errors; a build without a database
	@cargo clippy --quiet --locked --workspace --all-targets -- -D warnings

.PHONY: doc
doc: ## Build the code's documentation, warnings are errors
	@RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --workspace --no-deps

.PHONY: deny
deny: ## Check dependencies: who may use what, licences, sources
	@scripts/deny.sh check --hide-inclusion-graph bans licenses sources

.PHONY: advisories
advisories: ## Check dependencies for known vulnerabilities (needs the internet)
	@scripts/deny.sh check advisories

.PHONY: ci
ci: ## Everything CI checks
	@.ci/run

## Change the schema or a query ##

.PHONY: prepare
prepare: setup debug-devstack ## Regenerate .sqlx after a query or a migration changed
	@$(DEVSTACK) prepare

.PHONY: prepare-check
prepare-check: setup debug-devstack ## Fail when .sqlx is stale
	@$(DEVSTACK) prepare --check

.PHONY: migrations
migrations: setup debug-devstack ## Apply, revert and reapply all migrations
	@$(DEVSTACK) migrations

# devstack itself contains no query: it builds even where a stale .sqlx keeps others from it.
.PHONY: debug-devstack
debug-devstack:
	@$(BUILD) --tests --keep-going 2>/dev/null || test -x $(DEVSTACK)
