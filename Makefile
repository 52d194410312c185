# make help lists the targets.

# Tools and their downloads stay outside the tree.
CACHE       ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kubewitness
STATICCHECK := $(CACHE)/staticcheck-v0.8.2

# The log that `make run` sends.
SAMPLE      ?= examples/sample/audit.jsonl

# How long `make fuzz` and `make integration` run each fuzz target: those that read
# bytes of strangers, and the others.
FUZZTIME    ?= 60s
FUZZREST    ?= 20s

# The binary is pure Go. Only the race detector needs a C compiler.
export CGO_ENABLED = 0

.DEFAULT_GOAL := build
.PHONY: build run test integration attacks crash load scale bench lint fuzz clean help

build: ## build bin/kubewitness
	go build -trimpath -o bin/kubewitness ./cmd/kubewitness

run: build ## start the service, send it a recorded sample, and print who did what, when and where
	go run ./examples/run -binary bin/kubewitness -sample $(SAMPLE) $(if $(ONCE),-once)

test: ## run the tests; needs the Go toolchain and nothing else
	go test ./...

integration: fuzz attacks ## fuzz, then all tests with the race detector, then the long ones over the reference data
	CGO_ENABLED=1 go test -race -timeout 20m ./...
	KUBEWITNESS_INTEGRATION=1 go test -count=1 -p 1 -timeout 30m $$(test/long.sh)

attacks: ## replay recorded attacks and ordinary traffic against our rules, and print what is found; KUBEWITNESS_ATTACKS names a folder of other recordings
	go test -count=1 -v -run '^TestAttacks$$' ./test/attacks

crash: ## kill the durable log, and the whole service, 200 times each under load, then Elasticsearch for two minutes; ask the store and Elasticsearch the same
	KUBEWITNESS_CRASH=1 go test -count=1 -v -timeout 60m -run '^TestKill(Pull|Push)?$$' ./pkg/spool ./test/service
	KUBEWITNESS_CRASH=1 KUBEWITNESS_INTEGRATION=1 go test -count=1 -v -timeout 20m -run '^(TestServ.*|TestSearchAgrees(OnCorpus)?)$$' ./test/elastic

load: ## send recorded events, and reviews, to the service for a minute each way, and print what it takes
	KUBEWITNESS_LOAD=1 go test -count=1 -v -timeout 30m -run '^Test(Admission)?Load$$' ./test/load

scale: ## fill the embedded store with a million events, ask it while more come in, and print what it takes
	KUBEWITNESS_SCALE=$(or $(SCALE),1000000) go test -count=1 -v -timeout 120m -run '^TestScale$$' ./test/scale

fuzz: ## run every fuzz target for FUZZTIME
	FUZZTIME=$(FUZZTIME) FUZZREST=$(FUZZREST) test/fuzz.sh

bench: ## run the benchmarks, then measure the whole program beside python3's json.loads
	go test -run '^$$' -bench . -benchmem ./...
	KUBEWITNESS_BENCH=1 go test -count=1 -v -timeout 60m -run '^TestProcess$$' ./test/bench

lint: $(STATICCHECK) ## gofmt, go mod tidy, vet, staticcheck, the rules of the house, the tests of our rules
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w:"; echo "$$unformatted"; exit 1; fi
	go mod tidy -diff
	go vet ./...
	$(STATICCHECK) ./...
	go test ./test/house
	go run ./cmd/kubewitness rules test --coverage rules

$(STATICCHECK):
	mkdir -p $(CACHE)
	GOBIN=$(CACHE)/install go install honnef.co/go/tools/cmd/staticcheck@v0.8.2
	mv $(CACHE)/install/staticcheck $@

clean: ## remove what was built
	rm -rf bin

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14
