# What a person types. `make help` lists it.

CARGO ?= cargo
VFXOS  = target/release/vfxos
SEEDS ?= 10000
SIM    = $(CARGO) test --locked --profile sim --no-default-features
export CARGO_TERM_COLOR ?= auto

.PHONY: help run build check lint pure unit sim test lab test-netns image test-boot bench bench-net bench-boot doc sources deny bless clean
.DEFAULT_GOAL := help

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build the release binary
	$(CARGO) build --release --locked

run: ## Run the lab: a chassis, its blade, DNS, NTP and the licence authority, in front of its console
	@$(CARGO) build --release --locked
	@$(VFXOS) lab $(ARGS)

check: lint pure unit ## Format, lints, the pure half alone, tidy, unit, transcripts, simulation

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --no-default-features --lib -- -D warnings

pure:
	$(CARGO) check --locked --no-default-features

unit:
	$(CARGO) test --locked --lib --bins --test tidy --test transcripts --test sim --test net --test tree --test capture --test labs

sim: ## Simulations and models, 10,000 seeds each; SEEDS=n for another number, SEED=n for one of them
	SEEDS=$(SEEDS) PROPTEST_CASES=$(SEEDS) PROPTEST_RNG_SEED=$(or $(SEED),0) \
	  $(SIM) --lib -- simulation authority::tests
	SEEDS=$(SEEDS) $(SIM) --test sim

test: check lab test-netns deny ## All of check, the lab driven as a process, and the network

lab: ## The shipped binary driven as a process
	$(CARGO) test --locked --test lab --test drills --test authority --test operator --test ssh --test mio

test-netns: ## A chassis beside real servers in network namespaces; needs root, says skipped and why otherwise
	$(CARGO) test --locked --test netns -- --nocapture

image: ## Make the appliance: disk, kernel, container image, sums (KERNEL=debian builds no kernel)
	python3 qemu/image.py

test-boot: image ## Boot the image in QEMU, register, cut the power; CUTS=200 for that many cuts
	$(CARGO) test --locked --test boot

bench-boot: image ## Time to login: beside a bare init on the same kernel, size, memory, idle CPU
	python3 qemu/bench.py

bench: ## Figures, each beside a peer measured in the same run
	$(CARGO) build --release --locked --bins
	$(CARGO) bench --locked --bench figures

bench-net: ## The network on one bridge, each figure beside the kernel's; needs root
	$(CARGO) build --release --locked --bins
	$(CARGO) bench --locked --bench net

doc: ## Build the documentation of the code
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps

sources: ## List device facts that nobody has shown us, and what can be typed by recall alone
	@grep -rn -i -e 'Source::Recall' -e '^ *//[/!].*recall' src | sed 's/^src\///'
	@$(CARGO) test --locked --quiet --lib -- --ignored --nocapture sources::by_recall | grep -v -e '^running' -e '^test result' -e '^\.*$$'

deny: ## Licences, duplicates and sources of dependencies
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
	  $(CARGO) deny --locked --offline check --hide-inclusion-graph bans licenses sources; \
	else echo "deny: skipped: cargo-deny is not installed (cargo install --locked cargo-deny)"; fi

bless: ## Rewrite the transcripts marked `source: ours` (never the others)
	BLESS=1 $(CARGO) test --locked --test transcripts

clean:
	$(CARGO) clean
