# SPDX-License-Identifier: Apache-2.0
# `make demo` shows it, `make test` checks it, `make ci` is all that the CI runs.

ROOST := .build/debug/roost
PYTHON := .venv/bin/python
# So many tests at once: all of them together would have each other's patience run out on a small machine.
export TEST_WIDTH ?= 12
SWIFT_SOURCES := Package.swift Sources Tests Fuzz

# One debug configuration everywhere: build, test, interop and journeys share one build folder.
export ROOST_BINARY ?= $(CURDIR)/$(ROOST)

.DEFAULT_GOAL := help
.PHONY: footprint replaced release-check help setup build run demo test check ci format format-check lint layers docs bench sim powerloss dist dist-check interop journeys crash memory real browser conformance fuzz tsan asan soak

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## install system packages and the Python test peers
	@Scripts/setup

build: setup ## debug build
	swift build --product roost

run: build ## a node on this machine with a scratch home, until Ctrl-C
	$(ROOST) --home .build/run-home start --network none

demo: build ## three peers and a page on loopback: the thing itself
	$(ROOST) demo

test: setup ## every unit, vector, simulation and loopback test
	swift test --experimental-maximum-parallelization-width $(TEST_WIDTH)

check: format-check lint layers docs test ## what a change must pass before it is pushed

ci: ## everything, in the order of the CI
	@Scripts/ci

format: ## rewrite sources in the house style
	swift format format --in-place --parallel --recursive $(SWIFT_SOURCES)

format-check: ## fail where the house style is not followed
	swift format lint --strict --parallel --recursive $(SWIFT_SOURCES)

lint: ## banned names, licence lines, bare TODOs; the soak's verdict on made-up samples
	@Scripts/lint
	@Interop/soak_verdict.py

layers: ## no target reaches upward or sideways
	@Scripts/check-layers

docs: ## links and commands of the documents
	@Scripts/check-docs

sim: ## the simulator's short scenarios, each twice, with equal traces
	swift build --product roost-sim
	@Scripts/sim

powerloss: ## crashes, power failures, full and lying disks at the writes of publish, fetch, pin, evict and compaction
	swift build --product roost-powerloss
	@Scripts/powerloss

interop: build ## other people's clients, in private network namespaces (root)
	$(PYTHON) Interop/run.py --again

browser: build ## a real browser against the gateway, and hostile pages
	$(PYTHON) Interop/run.py --only browser

crash: build ## kill -9 at 50 random instants of publish and fetch
	$(PYTHON) Interop/crash.py --rounds 50

memory: build ## resident memory: idle with 100 sites, fetching 1 GiB
	$(PYTHON) Interop/memory.py

footprint: build ## a node in 256 MiB and a quarter of one core (root)
	$(PYTHON) Interop/footprint.py --check

replaced: build ## a fifth of the nodes replaced every minute: are holders and pages still found? (root)
	$(PYTHON) Interop/replaced.py --check

real: build ## two large Debian manuals as sites, with the promised figures (root)
	$(PYTHON) Interop/real.py

journeys: build ## a newcomer's commands, as the documents tell them
	$(ROOST) demo --check

conformance: build ## published test vectors through the product's own code
	$(ROOST) conformance Tests/Vectors

bench: setup ## release build: hot paths with their allocations, then the whole table beside libtorrent (root, 25 minutes)
	swift build -c release --product roost
	swift build -c release --product roost-bench
	.build/release/roost-bench
	$(PYTHON) Benchmarks/run.py

fuzz: setup ## every parser of outside bytes under libFuzzer: MINUTES=n (10) CPU minutes, TARGET=… (all)
	@Scripts/fuzz-build
	$(PYTHON) Fuzz/run.py $(or $(MINUTES),10) $(TARGET)

tsan: setup ## the test suite under the thread sanitizer
	@Scripts/sanitize thread

asan: setup ## the test suite under the address sanitizer
	@Scripts/sanitize address

soak: build ## thirty nodes for MINUTES=n (60): churn, updates, hostile peers; a chart and a verdict (root)
	$(PYTHON) Interop/soak.py --minutes $(or $(MINUTES),60)

release-check: setup ## what the CI runs on a debug build, on a release build: tests, interop, kills (root)
	@Scripts/release-check

dist: ## a release with the Swift runtime linked in: dist/*.tar.gz and dist/*.deb
	@Scripts/setup --dist
	@Scripts/dist

dist-check: dist ## the packages run in a bare Debian 12 root without Swift (root)
	@Scripts/dist-check
