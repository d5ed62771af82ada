# What a person does with levada from a checkout. `make` alone lists the targets.

.DEFAULT_GOAL := help
.PHONY: help demo test test-long bench deps browser lint fmt

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: deps ## the whole story in about a minute, on a private PostgreSQL
	cargo build --release --locked -p levada
	cargo run --quiet --release --locked -p levada -- demo

test: deps browser ## all tests but the long ones
	@.ci/schemathesis.sh
	cargo test --workspace --locked

test-long: deps ## the long tests
	@.ci/schemathesis.sh
	LEVADA_LONG=1 cargo test --locked -p levada --test it -- --include-ignored long_

bench: deps ## measure copying, refreshing, verifying, statistics and serving; options in BENCH
	cargo bench --locked -p levada --bench copy --bench refresh --bench statistics \
	  --bench serve -- $(BENCH)

deps: ## install PostgreSQL and what else is missing
	@.ci/deps.sh

browser: ## fetch the browser that tests of pages use, where it can be had
	@.ci/browser.sh

lint: ## formatting and clippy, as strict as CI
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

fmt: ## format all code
	cargo fmt --all
