package redact

import (
	"errors"
	"fmt"
	"slices"
)

// Marker stands where a secret was. It says nothing about the secret: no digest,
// since those that people choose can be guessed and then confirmed by any digest
// that whoever reads the store can also make, and a keyed one would still tell
// which secrets are equal; and no length, which narrows the guesses.
//
// It needs no escape in JSON, at any level of strings in strings, nor in a URI,
// and is no base64.
const Marker = "__REDACTED__"

// Config says what is taken for a secret where names decide. The zero value is
// meant to be used.
//
// Patterns are matched against whole names without regard to the case of ASCII
// letters and to white space around the name; * stands for any text, ? for one
// byte.
type Config struct {
	// Keys are patterns of keys of ConfigMaps whose values are secrets, and of
	// flags, query parameters and assignments in texts. nil: [DefaultNames].
	Keys []string
	// EnvNames are patterns of names of environment variables, and of all other
	// {name, value} pairs. nil: [DefaultNames].
	EnvNames []string
	// Except are patterns of names that are not secrets though one of the
	// others matches: PASSWORD_FILE. nil: [DefaultExceptions].
	Except []string
	// OptOut names the clusters whose events are left as they are.
	OptOut []string
}

// DefaultNames are the patterns of names that stand for secrets.
func DefaultNames() []string {
	return []string{
		"*password*", "*passwd*", "*passphrase*", "pass", "*_pass", "*-pass", "*.pass", "*pgpass*",
		"*_pwd", "*-pwd", "*.pwd", "*dbpwd*", "*sqlpwd*", "*userpwd*",
		"*secret*", "*token*", "*credential*", "*bearer*", "*_jwt", "*-jwt",
		"*apikey*", "*api_key*", "*api-key*", "*api.key*", "*accesskey*", "*access_key*", "*access-key*",
		"*privatekey*", "*private_key*", "*private-key*", "*signingkey*", "*signing_key*", "*signing-key*",
		"*encryptionkey*", "*encryption_key*", "*encryption-key*", "*client-key*", "*client_key*",
		"*_key", "*.key", "*.p12", "*.pfx", "*.jks", "*keystore*", "*_dsn", "*connectionstring*",
		"*connection_string*", "*connection-string*", "*database_url*", "*webhook_url*",
		"*dockerconfig*", "*dockercfg*", "*.netrc", "authorization", "*-authorization", "cookie", "set-cookie",
	}
}

// DefaultExceptions are the patterns of names that tell where a secret is, what
// it is called or how long it lives, and not the secret.
func DefaultExceptions() []string {
	return []string{
		"*file", "*_file_*", "*path", "*_dir", "*-dir", "*name", "*ttl", "*_id", "*-id", "*keyid",
		"*token_ur?", "*token-ur?", "*tokenur?", "*endpoint", "*enabled", "*expir*", "*seconds", "*lifetime*",
		"*issuer*", "*audience*", "*_type", "*-type", "*publickey*", "*public_key*", "*public-key*",
		"*_ref", "*-ref", "*namespace", "*_length", "*-length", "*policy",
	}
}

// Redactor redacts events. It is immutable and safe for concurrent use.
type Redactor struct {
	keys, env  names
	optOut     map[string]bool
	needles    *needles
	everything bool // a pattern is too short to look for, so that every event is walked
}

// New makes a redactor. The error names the pattern that cannot be used.
func New(c Config) (*Redactor, error) {
	if c.Keys == nil {
		c.Keys = DefaultNames()
	}
	if c.EnvNames == nil {
		c.EnvNames = DefaultNames()
	}
	if c.Except == nil {
		c.Except = DefaultExceptions()
	}
	for _, list := range [][]string{c.Keys, c.EnvNames, c.Except} {
		if slices.Contains(list, "") {
			return nil, errors.New("redact: an empty pattern of names; remove it, or write * for every name")
		}
		for _, p := range list {
			if len(p) > maxPattern {
				return nil, fmt.Errorf("redact: pattern %q... of names has %d bytes, the limit is %d; shorten it", p[:32], len(p), maxPattern)
			}
		}
	}
	r := &Redactor{optOut: map[string]bool{}}
	for _, cluster := range c.OptOut {
		r.optOut[cluster] = true
	}
	except := newPatterns(c.Except)
	r.keys = names{newPatterns(c.Keys), except}
	r.env = names{newPatterns(c.EnvNames), except}
	r.needles, r.everything = newNeedles(append(slices.Clone(c.Keys), c.EnvNames...))
	return r, nil
}

// maxPattern bounds what matching one name can cost.
const maxPattern = 256
