# Everything needs Go and make; what needs more says so where it stands.

GO       ?= go
FUZZTIME ?= 60s
ROUNDS   ?= 50
BENCH    ?=
BUILD    := CGO_ENABLED=0 $(GO) build -ldflags '-s -w'

# Packages whose goroutines share state and are worth a second, slower pass.
RACE := ./internal/db/... ./internal/event/... ./internal/run/... ./internal/subscription/... ./internal/socket/... ./internal/script/... ./internal/ingress/... ./internal/hub/...

.DEFAULT_GOAL := help
.PHONY: help build demo test check bench torture fuzz cross clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/junctor
	$(BUILD) -o bin/junctor ./cmd/junctor

demo: build ## a shop, a scenario and an ERP on this machine, with sample orders
	./bin/junctor demo

test: ## every test, on SQLite and on a PostgreSQL that it starts itself
	$(GO) run ./internal/db/dbtest/withpg $(GO) test -timeout 15m ./...

check: ## format, vet, lint and the race detector (needs a C compiler; the first lint takes minutes)
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool -modfile=golangci.mod golangci-lint run
	CGO_ENABLED=1 $(GO) run ./internal/db/dbtest/withpg $(GO) test -race -timeout 20m $(RACE)

bench: ## measure against the yardsticks of bench/limit (BENCH="--only P1,P2 --record")
	$(GO) run ./bench $(BENCH)

torture: ## load, kill -9 at random moments, restart (ROUNDS=50), on SQLite, then three nodes on PostgreSQL
	$(GO) run ./test/torture --rounds $(ROUNDS)
	$(GO) run ./internal/db/dbtest/withpg $(GO) run ./test/torture --nodes 3 --rounds $(ROUNDS)

fuzz: ## every fuzz test for FUZZTIME (60s)
	@set -e; for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' internal | xargs -n1 dirname | sort -u); do \
		for name in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go | cut -c6-); do \
			echo "$$dir $$name"; $(GO) test ./$$dir -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5s; \
		done; \
	done

cross: ## build for Linux and Windows, amd64 and arm64, into bin/
	@set -e; for target in linux/amd64 linux/arm64 windows/amd64 windows/arm64; do \
		out=bin/junctor-$${target%/*}-$${target#*/}; case $$target in windows/*) out=$$out.exe;; esac; \
		echo $$out; GOOS=$${target%/*} GOARCH=$${target#*/} $(BUILD) -trimpath -o $$out ./cmd/junctor; \
	done

clean: ## remove what was built and measured
	rm -rf bin bench/out
