package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/client"
	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/search"
	"github.com/kubewitness/kubewitness/pkg/server"
	"github.com/kubewitness/kubewitness/pkg/store"
	"github.com/kubewitness/kubewitness/pkg/web"
)

// Variables of the environment that stand for flags.
const (
	envServer = "KUBEWITNESS_SERVER"
	envToken  = "KUBEWITNESS_TOKEN"
)

// archiveFlags say whose events are meant: those of a service, or of a data folder.
type archiveFlags struct {
	server, tokenFile, caFile string
	data, config              string
	timeout                   time.Duration
	settings                  map[string][]string // flags of settings, over those of the configuration
}

func (f *archiveFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.server, "server", "", "`URL` of a service to ask (default "+envServer+", else the data folder)")
	fs.StringVar(&f.tokenFile, "token-file", "", "`file` with the token for the service (default: the token in "+envToken+")")
	fs.StringVar(&f.caFile, "ca-file", "", "`file` with the authorities that sign the service's certificate, as PEM (default: the system's)")
	fs.StringVar(&f.data, "data", "", "`folder` of a service's state (default KUBEWITNESS_DATA, else that of the configuration)")
	fs.StringVarP(&f.config, "config", "c", "", "configuration `file` of the service whose folder it is (default: the one that "+config.EnvFile+" names, else none)")
	fs.DurationVar(&f.timeout, "timeout", 0, "give up after this `time` (default: none)")
}

// remote tells whether a service is named, and how.
func (f *archiveFlags) remote() (url string, err error) {
	if f.server != "" && f.data != "" {
		return "", errors.New("--server and --data both say whose events are meant; give one of them")
	}
	if f.server == "" && f.data == "" {
		return os.Getenv(envServer), nil
	}
	return f.server, nil
}

// deadline bounds the time of a command.
func (f *archiveFlags) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if f.timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, f.timeout, fmt.Errorf("not done after --timeout %v", f.timeout))
}

// loadConfig reads the configuration of the service whose folder it is. rules, if there
// are any, go before those of the configuration.
func (f *archiveFlags) loadConfig(io stdio, rules []string) (*config.Loaded, error) {
	src := config.Sources{File: f.config, Flags: map[string][]string{}}
	maps.Copy(src.Flags, f.settings)
	if src.File == "" {
		src.File = os.Getenv(config.EnvFile)
	}
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name != envServer && name != envToken {
			src.Env = append(src.Env, v)
		}
	}
	if f.data != "" {
		src.Flags["data"] = []string{f.data}
	}
	if len(rules) > 0 {
		src.Flags["rules"] = rules
	}
	c, err := config.Load(src)
	if err != nil {
		return nil, tellProblems(io.err, err)
	}
	for _, warning := range c.Warnings {
		fmt.Fprintln(io.err, "kubewitness:", warning)
	}
	return c, nil
}

// archive is what can be asked.
type archive struct {
	*client.Client
	local bool // the folder, by this process
	close func()
}

// dial makes an archive of a service.
func (f *archiveFlags) dial(url string) (*archive, error) {
	token := os.Getenv(envToken)
	if f.tokenFile != "" {
		b, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return nil, &exitError{code: exitUnreadable, err: err}
		}
		token = string(b)
	}
	token = strings.TrimSpace(token)
	c, err := client.New(client.Config{
		URL: url, Token: func() string { return token }, CAFile: f.caFile, UserAgent: "kubewitness",
	})
	if err != nil {
		return nil, err
	}
	return &archive{Client: c, close: func() {}}, nil
}

// open opens what the flags mean.
func (f *archiveFlags) open(io stdio) (*archive, error) {
	url, err := f.remote()
	if err != nil {
		return nil, err
	}
	if url != "" {
		return f.dial(url)
	}
	cfg, err := f.loadConfig(io, nil)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cfg.Data, server.StoreFolder)
	if _, err := os.Stat(dir); err != nil {
		return nil, &exitError{code: exitUnreadable, err: fmt.Errorf("%w; --data names the folder of a service that keeps events, --server a service itself", err)}
	}
	s, err := openStore(io, cfg)
	if err != nil {
		return f.instead(cfg.Data, err)
	}
	return localArchive(io, cfg, s, func() api.Store { return storeState(s) }, func() {
		_ = s.Close() // nothing was written
	})
}

// everything is longer than any retention: who looks at a store removes nothing from it.
const everything = 100 * 365 * 24 * time.Hour

// openStore opens the store of a data folder.
func openStore(io stdio, cfg *config.Loaded) (*store.Store, error) {
	c := server.StoreConfig(cfg.Config)
	c.Retention, c.MaxBytes, c.KeepFree = everything, 0, 0 // what is too old is for the service to remove
	c.Logger = newLogger(io.err, config.Log{Level: "error", Format: "text"})
	s, err := store.Open(c)
	if err != nil {
		return nil, err
	}
	if path, reason := s.MovedAside(); path != "" {
		fmt.Fprintf(io.err, "kubewitness: the store could not be opened and was moved aside to %s: %s\n", path, reason)
	}
	return s, nil
}

// instead asks the service that has the folder, where the store could not be opened.
func (f *archiveFlags) instead(data string, err error) (*archive, error) {
	var used store.InUse
	if !errors.As(err, &used) {
		return nil, &exitError{code: exitUnreadable, err: err}
	}
	at, ok := beacon(data, used.PID)
	if !ok {
		who := "another process"
		if used.PID != "" {
			who = "process " + used.PID
		}
		return nil, &exitError{code: exitUnreadable, err: fmt.Errorf(
			"%s is in use by %s, which does not say where it can be asked: wait until it has ended, or name the service with --server", used.Dir, who)}
	}
	return f.dial(at)
}

// beacon gives the address of the service that has a folder, if it is the process that
// has the store too.
func beacon(data, pid string) (url string, ok bool) {
	b, err := os.ReadFile(filepath.Join(data, server.Beacon))
	var at server.Whereabouts
	if err != nil || json.Unmarshal(b, &at) != nil || at.URL == "" {
		return "", false
	}
	return at.URL, pid == "" || pid == strconv.Itoa(at.PID)
}

// localArchive answers from rows as a service would, until it is closed.
func localArchive(io stdio, cfg *config.Loaded, rows search.Rows, state func() api.Store, end func()) (*archive, error) {
	rules := sync.OnceValue(func() *ruleset.Set {
		set, err := ruleset.Load(ruleset.Options{Paths: cfg.Rules.Paths, MinPriority: cfg.Rules.MinPriority})
		if err != nil {
			fmt.Fprintln(io.err, "kubewitness: macros and lists of the rules are not known:", err)
			return nil
		}
		return set
	})
	h, err := web.New(web.Config{
		Search:  search.New(search.Config{Store: rows, Rules: rules, Hostname: hostname(), Now: time.Now}),
		Rules:   rules,
		Store:   state,
		Version: "local",
		Now:     time.Now,
		Limits:  web.Limits{Timeout: math.MaxInt64, Stream: math.MaxInt64, RulesBody: math.MaxInt32},
	})
	if err != nil {
		return nil, err
	}
	t := &inProcess{handler: h}
	c, err := client.New(client.Config{URL: "http://" + server.StoreFolder, Transport: t})
	if err != nil {
		return nil, err
	}
	return &archive{Client: c, local: true, close: func() {
		t.wait()
		end()
	}}, nil
}

func storeState(s *store.Store) api.Store {
	out := api.Store{Events: s.Stats().Rows}
	if oldest, newest, ok := s.Bounds(); ok {
		out.Oldest, out.Newest = oldest, newest
	}
	return out
}
