package audit

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// subject names who did it: "jane (person)", "jane (person), impersonating bob (person),".
func (a *Answer) subject() string {
	w := &a.Who
	var s string
	switch {
	case w.Name == "":
		s = "a client" + a.from()
	case w.Kind == UserAnonymous && w.Name == "system:anonymous":
		s = "an anonymous client" + a.from()
	default:
		s = plain(w.Name) + " (" + strings.Join(a.credentials(), ", ") + ")"
	}
	if w.Impersonated != nil {
		s += ", impersonating " + impersonated(w.Impersonated) + ","
	}
	return s
}

func (a *Answer) from() string {
	if a.Who.SourceIP == "" {
		return ""
	}
	return " at " + plain(a.Who.SourceIP)
}

// credentials tells the kind of the user and what is special about how it came in.
func (a *Answer) credentials() []string {
	w := &a.Who
	out := []string{kindWord(w.Kind)}
	if w.Kind != UserSystem && slices.Contains(w.Groups, "system:masters") { // RBAC does not apply to them
		out = append(out, "in system:masters")
	}
	if w.Kind == UserAnonymous && w.SourceIP != "" {
		out = append(out, strings.TrimSpace(a.from()))
	}
	if w.Kind == UserServiceAccount && strings.HasPrefix(w.CredentialID, "X509") {
		out = append(out, "by client certificate") // such accounts use tokens: somebody signed a certificate in its name
	}
	switch {
	case w.Pod != "" && w.Node != "":
		out = append(out, "from pod "+plain(w.Pod)+" on node "+plain(w.Node))
	case w.Pod != "":
		out = append(out, "from pod "+plain(w.Pod))
	case w.Node != "" && w.Kind != UserNode:
		out = append(out, "from node "+plain(w.Node))
	}
	return out
}

func impersonated(u *User) string {
	if u.Name == "" {
		return "an unnamed user"
	}
	s := plain(u.Name) + " (" + kindWord(u.Kind)
	if slices.Contains(u.Groups, "system:masters") {
		s += ", in system:masters"
	}
	return s + ")"
}

func kindWord(k UserKind) string {
	switch k {
	case UserServiceAccount:
		return "service account"
	case UserSystem:
		return "system component"
	default:
		return string(k)
	}
}

// duration writes a length of time as people would: "1.4s", "6m8s", "3h", "365 days".
func duration(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return strconv.Itoa(int(d.Hours()/24+0.5)) + " days"
	case d >= 10*time.Second:
		d = d.Round(time.Second)
	default:
		d = d.Round(100 * time.Millisecond)
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
