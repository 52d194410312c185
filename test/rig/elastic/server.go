package elastic

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kubewitness/kubewitness/test/rig"
)

// Options say what to run.
type Options struct {
	Secure   bool     // TLS, users and API keys; certificates of clients are looked at where they are shown
	Heap     string   // of the Java process, as -Xmx takes it; "": 512m
	Settings []string // further lines of elasticsearch.yml, such as "http.max_content_length: 1mb"
}

// Server is a running Elasticsearch, a cluster of one node.
type Server struct {
	URL      string         // on the loopback interface, without a slash at its end
	CAFile   string         // authority that signed its certificate; "" unless it is secure
	User     string         // with all rights; "" unless it is secure
	Password string         // of the user
	CA       *rig.Authority // for certificates of clients; nil unless it is secure
	Dir      string         // its folder, with the log of what it prints: elasticsearch.log

	opts  Options
	home  string // of the distribution, as the server may read it
	ports ports
	http  *http.Client
	out   *os.File
	claim *os.File
	run   *rig.Process
}

// ports are chosen before the server listens on them.
type ports struct{ http, transport int }

const (
	readyWithin = 10 * time.Minute // a start takes 15 to 40 s; on a machine that does ten other things, minutes
	grace       = 20 * time.Second
	pollEvery   = 100 * time.Millisecond
	tailLines   = 40
)

// Start runs a server until the test ends and returns when it is ready. The test is
// skipped, or fails, as [Distribution] says.
func Start(tb testing.TB, opts Options) *Server {
	tb.Helper()
	s, err := Launch(tb, opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Stop)
	return s
}

// Launch runs a server that outlives the test and returns when it is ready; who calls
// it calls [Server.Stop], in TestMain. An error has what the server printed last.
func Launch(tb testing.TB, opts Options) (*Server, error) {
	tb.Helper()
	dist := Distribution(tb)
	sweep()
	dir, err := os.MkdirTemp("", folderPrefix)
	if err != nil {
		return nil, fmt.Errorf("elastic: %w", err)
	}
	s := &Server{Dir: dir, opts: opts, http: &http.Client{}}
	if err := s.prepare(tb, dist); err != nil {
		s.Stop()
		return nil, fmt.Errorf("elastic: %w", err)
	}
	if err := s.boot(); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// prepare makes all that is there before a first start but the ports.
func (s *Server) prepare(tb testing.TB, dist string) (err error) {
	if s.claim, err = claim(s.Dir); err != nil {
		return err
	}
	if s.home, err = readable(dist, s.Dir); err != nil {
		return err
	}
	for _, d := range []string{"config", "data", "logs", "tmp"} {
		if err := os.Mkdir(filepath.Join(s.Dir, d), 0o755); err != nil {
			return err
		}
	}
	if s.opts.Secure {
		if err := s.secure(tb); err != nil {
			return err
		}
	}
	if s.out, err = os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		return err
	}
	return s.configure()
}

// boot starts the server. A port that somebody else took meanwhile is reason to try
// others.
func (s *Server) boot() error {
	for attempt := 1; ; attempt++ {
		if err := s.choosePorts(); err != nil {
			return fmt.Errorf("elastic: %w", err)
		}
		err := s.Restart()
		if err == nil || attempt == 3 || !strings.Contains(err.Error(), "BindException") {
			return err
		}
	}
}

// Restart starts a server that was killed or stopped, or still runs, again: in the same
// folder, on the same port. It returns when the server is ready.
func (s *Server) Restart() error {
	s.end(func(p *rig.Process) { p.Stop(grace) })
	cmd, err := s.command()
	if err != nil {
		return err
	}
	if s.run, err = rig.Launch("elasticsearch", s.log(), cmd); err != nil {
		return fmt.Errorf("elastic: %w", err)
	}
	if err := s.awaitReady(); err != nil {
		report := fmt.Errorf("elastic: %w\n%s", err, s.run.Tail(tailLines))
		s.run.Kill()
		return report
	}
	return nil
}

// Kill ends the server as a crash would, and returns when nothing of it is left.
func (s *Server) Kill() { s.end((*rig.Process).Kill) }

// Stop ends the server and removes its folder.
func (s *Server) Stop() {
	s.end(func(p *rig.Process) { p.Stop(grace) })
	s.http.CloseIdleConnections()
	if s.out != nil {
		s.out.Close()
	}
	os.RemoveAll(s.Dir)
	s.claim.Close() // of nil too
}

func (s *Server) end(how func(*rig.Process)) {
	if s.run != nil {
		how(s.run)
	}
}

func (s *Server) log() string { return filepath.Join(s.Dir, "elasticsearch.log") }

// command is the launcher of the distribution's own bin/elasticsearch, which starts
// the server as a second process in its group. The output goes through a pipe, not to
// the file itself: then the end of the command is the end of both.
func (s *Server) command() (*exec.Cmd, error) {
	bin, err := java()
	if err != nil {
		return nil, err
	}
	jars := filepath.Join(s.home, "lib", "*") + ":" + filepath.Join(s.home, "lib", "cli-launcher", "*")
	cmd := exec.Command(bin, "-Xms4m", "-Xmx64m", "-XX:+UseSerialGC",
		"-Dcli.name=server", "-Dcli.script="+filepath.Join(s.home, "bin", "elasticsearch"), "-Dcli.libs=lib/tools/server-cli",
		"-Des.path.home="+s.home, "-Des.path.conf="+filepath.Join(s.Dir, "config"), "-Des.distribution.type=tar",
		"-cp", jars, "org.elasticsearch.launcher.CliToolLauncher")
	cmd.Dir = s.home // the launcher looks for its modules from here
	out := struct{ io.Writer }{s.out}
	cmd.Stdout, cmd.Stderr = out, out
	heap := s.opts.Heap
	if heap == "" {
		heap = "512m"
	}
	cmd.Env = append(os.Environ(), "HOME="+s.Dir, "ES_TMPDIR="+filepath.Join(s.Dir, "tmp"),
		"ES_JAVA_OPTS=-Xms"+heap+" -Xmx"+heap+" -XX:-AlwaysPreTouch -XX:TieredStopAtLevel=1")
	return cmd, drop(cmd, s.Dir)
}

// awaitReady waits until the server answers and has its indices.
func (s *Server) awaitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	last := errors.New("no answer")
	for {
		if last = s.healthy(ctx, last); last == nil {
			return nil
		}
		if s.run.Ended() {
			return errors.New("elasticsearch has ended")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("elasticsearch is not ready after %s: %w", readyWithin, last)
		case <-tick.C:
		}
	}
}

func (s *Server) healthy(ctx context.Context, last error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/_cluster/health?wait_for_status=yellow&timeout=5s", nil)
	if err != nil {
		return err
	}
	if s.User != "" {
		req.SetBasicAuth(s.User, s.Password)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return last
		}
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return err
}

// trust has the server's own requests check its certificate.
func (s *Server) trust() error {
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	s.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	return nil
}

func (s *Server) choosePorts() error {
	var free [2]int
	for i := range free {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close() // together, so that no port comes twice
		free[i] = l.Addr().(*net.TCPAddr).Port
	}
	s.ports = ports{http: free[0], transport: free[1]}
	scheme := "http"
	if s.opts.Secure {
		scheme = "https"
	}
	s.URL = scheme + "://127.0.0.1:" + strconv.Itoa(s.ports.http)
	return s.writeSettings()
}
