package elastic

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kubewitness/kubewitness/test/rig"
)

// configure writes the files of the configuration that do not depend on the ports.
func (s *Server) configure() error {
	for _, name := range []string{"log4j2.properties", "roles.yml", "role_mapping.yml"} {
		b, err := os.ReadFile(filepath.Join(s.home, "config", name))
		if err != nil {
			return err
		}
		if err := s.write(name, string(b)); err != nil {
			return err
		}
	}
	b, err := os.ReadFile(filepath.Join(s.home, "config", "jvm.options"))
	if err != nil {
		return err
	}
	var options strings.Builder
	for line := range strings.Lines(string(b)) {
		if !strings.Contains(line, "Xlog:gc") && !strings.Contains(line, "HeapDump") { // files that nobody reads
			options.WriteString(line)
		}
	}
	return s.write("jvm.options", options.String())
}

func (s *Server) writeSettings() error {
	lines := []string{
		"cluster.name: kubewitness-test",
		"node.name: node-1",
		"network.host: 127.0.0.1",
		"http.port: " + strconv.Itoa(s.ports.http),
		"transport.port: " + strconv.Itoa(s.ports.transport),
		"discovery.type: single-node",
		"path.data: " + filepath.Join(s.Dir, "data"),
		"path.logs: " + filepath.Join(s.Dir, "logs"),
		"cluster.routing.allocation.disk.threshold_enabled: false", // a full disk of the machine is not the test
		"action.destructive_requires_name: false",
	}
	if s.opts.Secure {
		lines = append(lines,
			"xpack.security.enabled: true",
			"xpack.security.enrollment.enabled: false",
			"xpack.security.authc.api_key.enabled: true",
			"xpack.security.http.ssl.enabled: true",
			"xpack.security.http.ssl.certificate: node.crt",
			"xpack.security.http.ssl.key: node.key",
			"xpack.security.http.ssl.certificate_authorities: ca.crt",
			"xpack.security.http.ssl.client_authentication: optional",
			"xpack.security.transport.ssl.enabled: true",
			"xpack.security.transport.ssl.certificate: node.crt",
			"xpack.security.transport.ssl.key: node.key",
			"xpack.security.transport.ssl.certificate_authorities: ca.crt")
	} else {
		lines = append(lines, "xpack.security.enabled: false")
	}
	return s.write("elasticsearch.yml", strings.Join(append(lines, s.opts.Settings...), "\n")+"\n")
}

// secure makes the certificates and the user. The user is one of the file realm: no
// second Java process has to run to give it a password.
func (s *Server) secure(tb testing.TB) error {
	config := filepath.Join(s.Dir, "config")
	s.CA = rig.NewAuthority(tb, config, "ca")
	s.CA.Issue("node", "node-1")
	s.CAFile, s.User, s.Password = s.CA.File, "kubewitness-test", rand.Text()
	hash, err := passwordHash(s.Password)
	if err != nil {
		return err
	}
	return errors.Join(
		s.write("users", s.User+":"+hash+"\n"),
		s.write("users_roles", "superuser:"+s.User+"\n"),
		s.trust())
}

// passwordHash writes a password as Elasticsearch's PBKDF2 hasher does. The password
// is random, so that few rounds are enough.
func passwordHash(password string) (string, error) {
	const rounds, size = 1000, 32
	salt := make([]byte, size)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key, err := pbkdf2.Key(sha512.New, password, salt, rounds, size)
	if err != nil {
		return "", err
	}
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("{PBKDF2}%d$%s$%s", rounds, b64(salt), b64(key)), nil
}

func (s *Server) write(name, text string) error {
	return os.WriteFile(filepath.Join(s.Dir, "config", name), []byte(text), 0o600)
}

// readable returns a folder with the distribution that the server's user can read: the
// one given, unless that user is another one, to whom the home of ours may be closed.
// It then gets links to the files, or copies where the disk is another one.
func readable(dist, dir string) (string, error) {
	if !dropping() {
		return dist, nil
	}
	home := filepath.Join(dir, "home")
	return home, filepath.WalkDir(dist, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dist, path)
		if err != nil {
			return err
		}
		to := filepath.Join(home, rel)
		switch {
		case d.IsDir():
			return os.Mkdir(to, 0o755)
		case os.Link(path, to) == nil:
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, 0o644)
	})
}
