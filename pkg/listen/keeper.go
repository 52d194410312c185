package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubewitness/kubewitness/pkg/watch"
)

// Config says where the files are and whom to let in. CertFile, KeyFile and Now are
// required.
type Config struct {
	CertFile string // PEM: the server's certificate, then those that lead to its authority
	KeyFile  string // PEM: the key of the first certificate
	// ClientCAFile holds, in PEM, the authorities whose client certificates are good.
	// Empty: clients are not asked for one.
	ClientCAFile string
	// RequireClient turns away clients without a certificate. Otherwise a client need
	// not have one, but one that it shows must be good.
	RequireClient bool
	// Protocols are offered by ALPN, best first. Empty: h2, http/1.1, which http.Server
	// serves when it is given TLS through ServeTLS.
	Protocols []string

	// Quiet and Poll are those of watch.Config; 0 means its defaults.
	Quiet, Poll time.Duration
	// Polled is that of watch.Config.
	Polled func(cause error)
	// Renewed, if set, is called when something new was put in force.
	Renewed func(Certificate)
	// Refused, if set, is called when the files changed into something that cannot be
	// put in force. The error names the file and holds nothing of what is in it.
	Refused func(error)
	// Now tells the time that certificates are judged by.
	Now func() time.Time
}

// Certificate describes the server certificate in force.
type Certificate struct {
	Subject             string
	Serial              string // hex
	NotBefore, NotAfter time.Time
}

// Keeper holds what is in force. Open makes one. All methods may be called at any
// time by anyone.
type Keeper struct {
	cfg     Config
	watcher *watch.Watcher
	reading sync.Mutex // one reader at a time
	force   atomic.Pointer[pair]
	renewed atomic.Int64
	refused atomic.Int64
}

// Open reads the files. At this time there is nothing to fall back on: what cannot be
// read or does not fit together is an error. An expired certificate is none, as it
// may be renewed in a moment; see Certificate.
func Open(cfg Config) (*Keeper, error) {
	if cfg.CertFile == "" || cfg.KeyFile == "" {
		return nil, errors.New("listen: TLS needs a certificate file and a key file; name both")
	}
	if cfg.RequireClient && cfg.ClientCAFile == "" {
		return nil, errors.New("listen: clients cannot be required to have a certificate without a file of the authorities that are believed; name one")
	}
	if cfg.Now == nil {
		return nil, errors.New("listen: Config.Now is not set")
	}
	if len(cfg.Protocols) == 0 {
		cfg.Protocols = []string{"h2", "http/1.1"}
	}
	k := &Keeper{cfg: cfg, watcher: watch.New(watch.Config{
		Paths: []string{cfg.CertFile, cfg.KeyFile, cfg.ClientCAFile},
		Quiet: cfg.Quiet, Poll: cfg.Poll, Polled: cfg.Polled,
	})}
	p, err := k.read()
	if err != nil {
		return nil, err
	}
	k.force.Store(p)
	return k, nil
}

// TLS returns the configuration for a listener or an http.Server. It stays good: each
// handshake asks for what is in force.
func (k *Keeper) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: k.cfg.Protocols,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return k.force.Load().config, nil
		},
	}
}

// Run reads the files again whenever they change, until ctx ends. It may be called
// once.
func (k *Keeper) Run(ctx context.Context) {
	k.watcher.Run(ctx, func([]string) { _ = k.Reload() }) // Refused has the error
}

// Reload reads the files again now. On an error what was in force still is; Refused
// has been called with it as well.
func (k *Keeper) Reload() error {
	k.reading.Lock()
	defer k.reading.Unlock()
	p, err := k.read()
	if err == nil {
		err = k.worse(p)
	}
	if err != nil {
		k.refused.Add(1)
		if k.cfg.Refused != nil {
			k.cfg.Refused(err)
		}
		return err
	}
	if k.force.Swap(p).digest == p.digest {
		return nil
	}
	k.renewed.Add(1)
	if k.cfg.Renewed != nil {
		k.cfg.Renewed(p.describe())
	}
	return nil
}

// worse tells why what is in force is better than p: it is valid, and p is not.
func (k *Keeper) worse(p *pair) error {
	now := k.cfg.Now()
	if p.validAt(now) || !k.force.Load().validAt(now) {
		return nil
	}
	return fmt.Errorf("listen: %s: the new certificate is valid from %s to %s, which is not now; the old one stays in force",
		k.cfg.CertFile, p.leaf.NotBefore.UTC().Format(time.RFC3339), p.leaf.NotAfter.UTC().Format(time.RFC3339))
}

// Certificate describes the server certificate in force.
func (k *Keeper) Certificate() Certificate { return k.force.Load().describe() }

// Renewals returns how often something new was put in force, and how often it was
// refused, since Open.
func (k *Keeper) Renewals() (renewed, refused int64) { return k.renewed.Load(), k.refused.Load() }
