package install

import (
	"strings"
)

// secretToCome stands in a manifest for what is made when it is installed.
const secretToCome = "SECRET"

// Manifest is what Install writes, as YAML, for people to read: no secret is in it, and where
// one is made there is a word. Nobody is asked for it.
func (o Options) Manifest() (string, error) {
	o = o.withDefaults()
	var b strings.Builder
	add := func(comment string, object any) error {
		text, err := writeYAML(object)
		if err != nil {
			return err
		}
		b.WriteString("---\n")
		if comment != "" {
			b.WriteString("# " + strings.ReplaceAll(comment, "\n", "\n# ") + "\n")
		}
		b.WriteString(text)
		return nil
	}
	for _, d := range o.documents() {
		if err := add(d.comment, d.object); err != nil {
			return "", err
		}
	}
	return strings.TrimPrefix(b.String(), "---\n"), nil
}

type document struct {
	comment string
	object  any
}

// documents are the objects, in the order in which they are written.
func (o Options) documents() (docs []document) {
	if o.URL == "" {
		docs = append(docs, document{"Left as it is where there is one.", o.namespace()},
			document{"path: 40 letters and digits at random, which end the path that reviews are sent to.\nMade once, and kept.", o.secret(pathSecret, "Opaque")})
		if o.own() {
			docs = append(docs, document{"tls.crt, tls.key, ca.crt: a certificate for " + o.names()[0] + ", its key, and the\nauthority that signed it and whose key is forgotten. Kept while it is good.", o.secret(tlsSecret, tlsType)})
		} else {
			is, cs := o.certManagerObjects()
			comments := []string{"cert-manager makes the certificate, by an authority that signs itself and lasts.", "", "", ""}
			for i, object := range []any{is[0], cs[0], is[1], cs[1]} {
				docs = append(docs, document{comments[i], object})
			}
		}
		docs = append(docs, document{"The pods of deploy/. When one is ready, and not before, the webhooks are written.", o.service()})
	}
	comment := "SECRET stands for path in the Secret; caBundle will be ca.crt of the other."
	switch {
	case o.URL != "":
		comment = "Nothing else is written: where it points to is not of this cluster."
	case o.CertManager:
		comment = "SECRET stands for path in the Secret; cert-manager puts caBundle in."
	}
	docs = append(docs, document{comment, o.Validating(Recent, secretToCome, nil)})
	if o.Mutate {
		docs = append(docs, document{comment, o.Mutating(Recent, secretToCome, nil)})
	}
	return docs
}

const tlsType = "kubernetes.io/tls"
