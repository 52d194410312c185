package install

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/kube"
)

// injectFrom is the annotation by which cert-manager puts the authority of a Certificate into
// webhooks.
const injectFrom = certManager + "/inject-ca-from"

// issuer and certificate are objects of cert-manager.
type (
	issuer struct {
		Object
		Spec issuerSpec `json:"spec"`
	}
	issuerSpec struct {
		SelfSigned *struct{} `json:"selfSigned,omitempty"`
		CA         *struct {
			SecretName string `json:"secretName"`
		} `json:"ca,omitempty"`
	}
	certificate struct {
		Object
		Spec certificateSpec `json:"spec"`
	}
	certificateSpec struct {
		SecretName string     `json:"secretName"`
		Template   template   `json:"secretTemplate"` // with our labels, by which it is removed
		CommonName string     `json:"commonName"`
		IsCA       bool       `json:"isCA,omitempty"`
		Duration   string     `json:"duration"`
		DNSNames   []string   `json:"dnsNames,omitempty"`
		Usages     []string   `json:"usages"`
		PrivateKey privateKey `json:"privateKey"`
		IssuerRef  issuerRef  `json:"issuerRef"`
	}
	template struct {
		Labels map[string]string `json:"labels"`
	}
	privateKey struct {
		Algorithm      string `json:"algorithm"`
		RotationPolicy string `json:"rotationPolicy"`
	}
	issuerRef struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
	}
)

// Names of what cert-manager is given, besides ServiceName for the certificate.
const (
	selfSigned = ServiceName + "-self-signed"
	caName     = ServiceName + "-ca"
)

// certManagerObjects are an authority that signs itself and lasts, and a certificate of it. The
// webhooks trust the authority, so that a new certificate needs nothing new of them; one that
// signed itself would be trusted too late each time.
func (o Options) certManagerObjects() (is []issuer, cs []certificate) {
	o = o.withDefaults()
	object := func(kind, name string) Object {
		return Object{APIVersion: certManager + "/v1", Kind: kind, Metadata: Meta{Name: name, Namespace: o.Namespace, Labels: Labels}}
	}
	byCA := issuer{Object: object("Issuer", caName)}
	byCA.Spec.CA = &struct {
		SecretName string `json:"secretName"`
	}{caName}
	is = []issuer{{Object: object("Issuer", selfSigned), Spec: issuerSpec{SelfSigned: &struct{}{}}}, byCA}
	key := privateKey{Algorithm: "ECDSA", RotationPolicy: "Always"}
	cs = []certificate{
		{Object: object("Certificate", caName), Spec: certificateSpec{
			SecretName: caName, Template: template{Labels}, CommonName: "kubewitness admission", IsCA: true, Duration: "87600h", Usages: []string{"cert sign"},
			PrivateKey: key, IssuerRef: issuerRef{"Issuer", selfSigned},
		}},
		{Object: object("Certificate", ServiceName), Spec: certificateSpec{
			SecretName: tlsSecret, Template: template{Labels}, CommonName: "kubewitness", Duration: "2160h", DNSNames: o.names(), Usages: []string{"server auth", "digital signature"},
			PrivateKey: key, IssuerRef: issuerRef{"Issuer", caName},
		}},
	}
	return is, cs
}

// ensureCertManager gives cert-manager what it makes the certificate by, and waits until it has.
// The authority is put into the webhooks by it.
func (in *Installer) ensureCertManager(ctx context.Context) ([]byte, error) {
	is, cs := in.certManagerObjects()
	for _, o := range []struct {
		resource kube.Resource
		name     string
		object   any
	}{{issuers, selfSigned, is[0]}, {certificates, caName, cs[0]}, {issuers, caName, is[1]}, {certificates, ServiceName, cs[1]}} {
		err := in.Client.Get(ctx, o.resource, in.Namespace, o.name, nil)
		if kube.Is(err, http.StatusNotFound) {
			err = in.create(ctx, o.resource, in.Namespace, o.object, strings.TrimSuffix(o.resource.Name, "s")+" "+o.name)
		}
		if kube.Is(err, http.StatusNotFound) { // of the kind itself
			return nil, errors.New("the cluster has no cert-manager: install it, or leave --cert-manager away, and the certificate is made here")
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, in.await(ctx, func() error {
		var s Secret
		err := in.Client.Get(ctx, secrets, in.Namespace, tlsSecret, &s)
		if kube.Is(err, http.StatusNotFound) || err == nil && len(s.Data[certKey]) == 0 {
			return &NotReady{fmt.Sprintf("cert-manager has made no certificate, so no webhook was written: kubectl -n %s describe certificate %s", in.Namespace, ServiceName)}
		}
		return err
	})
}
