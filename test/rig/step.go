package rig

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Who sends a request.
type Who string

// The people of the traffic. The administrator sets up; the engineer has all
// rights, by a binding that the first of the attacks makes; the guest has none.
const (
	TheAdmin     Who = "admin"
	TheEngineer  Who = "engineer"
	TheGuest     Who = "guest"
	Nobody       Who = "anonymous"
	TheStranger  Who = "stranger" // with a token that the API server does not know
	engineerName     = "engineer@example.com"
	guestName        = "guest@example.com"
)

// Step is one request of the traffic.
type Step struct {
	Name string // what it is, in a few words
	By   Who
	Request
	Want int    // status of the answer; until it comes the request is sent again, since rights and caches take a moment
	Rule string // our rule that tells of it; "" for ordinary traffic
}

// Played is a step with its last answer.
type Played struct {
	Step
	Response
}

// stepWithin bounds how long a step may be answered otherwise than it wants.
const stepWithin = 20 * time.Second

// Cast is who is there to send requests. It may be used by several goroutines.
type Cast map[Who]*Client

// Cast gives everybody in the traffic a client.
func (c *Cluster) Cast() Cast {
	return Cast{
		TheAdmin:    c.Admin(),
		TheEngineer: c.Client(engineerName, "engineers"),
		TheGuest:    c.Client(guestName),
		Nobody:      c.Anonymous(),
		TheStranger: c.Bearer("not-a-token"),
	}
}

// Play sends the requests one after the other. It stops at the first that is not
// answered as it should be.
func (cast Cast) Play(ctx context.Context, steps []Step) ([]Played, error) {
	var played []Played
	for _, s := range steps {
		r, err := cast.play(ctx, s)
		if err != nil {
			return played, fmt.Errorf("rig: %s (%s %s): %w", s.Name, s.Method, s.Path, err)
		}
		played = append(played, Played{s, r})
	}
	return played, nil
}

func (cast Cast) play(ctx context.Context, s Step) (Response, error) {
	ctx, cancel := context.WithTimeout(ctx, stepWithin)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for last := errors.New("no answer"); ; {
		r, err := cast[s.By].Do(ctx, s.Request)
		switch {
		case ctx.Err() != nil:
			return r, fmt.Errorf("%w: %w", ctx.Err(), last)
		case err != nil:
			return r, err
		case r.Code == s.Want:
			return r, nil
		}
		last = fmt.Errorf("status %d, not %d: %s", r.Code, s.Want, r.Body)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// What requests are made of.
const (
	mergePatch     = "application/merge-patch+json"
	strategicPatch = "application/strategic-merge-patch+json"
	jsonPatch      = "application/json-patch+json"
	applyPatch     = "application/apply-patch+yaml"
)

// object is a Kubernetes object.
type object = map[string]any

func get(path string) Request    { return Request{Method: http.MethodGet, Path: path} }
func remove(path string) Request { return Request{Method: http.MethodDelete, Path: path} }

func post(path string, body any) Request {
	return Request{Method: http.MethodPost, Path: path, Body: body}
}

func put(path string, body any) Request {
	return Request{Method: http.MethodPut, Path: path, Body: body}
}

func patch(kind, path string, body any) Request {
	return Request{Method: http.MethodPatch, Path: path, Type: kind, Body: body}
}

// stream is a request for a stream as kubectl makes it, over a WebSocket.
func stream(path, protocol string) Request {
	return Request{Method: http.MethodGet, Path: path, Header: map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "cmlnIG9mIGt1YmV3aXRuZQ==", "Sec-WebSocket-Protocol": protocol}}
}

// spdyStream is a request for a stream as older clients make it.
func spdyStream(path, protocol string) Request {
	return Request{Method: http.MethodPost, Path: path, Header: map[string]string{
		"Connection": "Upgrade", "Upgrade": "SPDY/3.1", "X-Stream-Protocol-Version": protocol}}
}

// with sets a header.
func with(r Request, key, value string) Request {
	r.Header = map[string]string{key: value}
	return r
}

// named is an object with a name and whatever else it has.
func named(version, kind, name string, rest object) object {
	o := object{"apiVersion": version, "kind": kind, "metadata": object{"name": name}}
	for k, v := range rest {
		o[k] = v
	}
	return o
}

// pod is a pod on the first node, with the account "web"; container and spec add
// to it.
func pod(name string, container, spec object) object {
	return named("v1", "Pod", name, object{"spec": podSpec(container, merged(object{"nodeName": "node-1"}, spec))})
}

func podSpec(container, spec object) object {
	return merged(object{
		"serviceAccountName":            "web",
		"terminationGracePeriodSeconds": 0,
		"containers":                    []object{merged(object{"name": "main", "image": "registry.example.com/web:1"}, container)},
	}, spec)
}

func deployment(name string, replicas int, container object) object {
	labels := object{"app": name}
	return named("apps/v1", "Deployment", name, object{"spec": object{
		"replicas": replicas,
		"selector": object{"matchLabels": labels},
		"template": object{"metadata": object{"labels": labels}, "spec": podSpec(container, nil)},
	}})
}

func merged(a, b object) object {
	o := object{}
	for _, m := range []object{a, b} {
		for k, v := range m {
			o[k] = v
		}
	}
	return o
}

// asText writes an object as JSON, for bodies whose content type is not JSON's.
func asText(o object) string {
	b, err := json.Marshal(o)
	if err != nil {
		panic("rig: " + err.Error()) // it is made of texts and numbers
	}
	return string(b)
}

// signingRequest is the PEM of a request for a certificate, in base64.
func signingRequest(user, group string) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("rig: " + err.Error()) // no randomness
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: user, Organization: []string{group}}}, key)
	if err != nil {
		panic("rig: " + err.Error())
	}
	return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}
