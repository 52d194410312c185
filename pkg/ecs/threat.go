package ecs

import "strings"

// A tactic of MITRE ATT&CK.
type tactic struct{ id, name string }

// tactics are the tactics by their tag, behind "mitre_".
var tactics = map[string]tactic{
	"reconnaissance":       {"TA0043", "Reconnaissance"},
	"resource_development": {"TA0042", "Resource Development"},
	"initial_access":       {"TA0001", "Initial Access"},
	"execution":            {"TA0002", "Execution"},
	"persistence":          {"TA0003", "Persistence"},
	"privilege_escalation": {"TA0004", "Privilege Escalation"},
	"defense_evasion":      {"TA0005", "Defense Evasion"},
	"credential_access":    {"TA0006", "Credential Access"},
	"discovery":            {"TA0007", "Discovery"},
	"lateral_movement":     {"TA0008", "Lateral Movement"},
	"collection":           {"TA0009", "Collection"},
	"exfiltration":         {"TA0010", "Exfiltration"},
	"command_and_control":  {"TA0011", "Command and Control"},
	"impact":               {"TA0040", "Impact"},
}

const (
	tacticPages    = "https://attack.mitre.org/tactics/"
	techniquePages = "https://attack.mitre.org/techniques/"
)

// attack is what the tags of a rule say of MITRE ATT&CK.
type attack struct {
	tactics       []tactic
	techniques    []string // T1552
	subtechniques []string // T1552.007
}

func attackOf(tags []string) attack {
	var a attack
	for _, tag := range tags {
		if name, ok := strings.CutPrefix(tag, "mitre_"); ok {
			if t, ok := tactics[name]; ok {
				a.tactics = append(a.tactics, t)
			}
			continue
		}
		technique, sub, ok := strings.Cut(tag, ".")
		if len(technique) != len("T1552") || technique[0] != 'T' || !digits(technique[1:]) {
			continue
		}
		if ok && len(sub) == len("007") && digits(sub) {
			a.subtechniques = add(a.subtechniques, tag)
		} else if ok {
			continue
		}
		a.techniques = add(a.techniques, technique)
	}
	return a
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// appendThreat appends threat.*; nothing for tags that say nothing of MITRE ATT&CK. Each
// part is an array of objects with an id.
func appendThreat(dst []byte, tags []string) []byte {
	a := attackOf(tags)
	if len(a.tactics)+len(a.techniques) == 0 {
		return dst
	}
	dst = append(dst, `"threat":{"framework":"MITRE ATT&CK",`...)
	dst = appendObjects(dst, `"tactic":`, a.tactics, func(dst []byte, t *tactic) []byte {
		dst = member(dst, `"id":`, t.id)
		dst = member(dst, `"name":`, t.name)
		return member(dst, `"reference":`, tacticPages+t.id+"/")
	})
	dst = appendObjects(dst, `"technique":`, a.techniques, func(dst []byte, t *string) []byte {
		dst = member(dst, `"id":`, *t)
		dst = member(dst, `"reference":`, techniquePages+*t+"/")
		var own []string
		for _, s := range a.subtechniques {
			if strings.HasPrefix(s, *t+".") {
				own = append(own, s)
			}
		}
		return appendObjects(dst, `"subtechnique":`, own, func(dst []byte, s *string) []byte {
			dst = member(dst, `"id":`, *s)
			return member(dst, `"reference":`, techniquePages+strings.Replace(*s, ".", "/", 1)+"/")
		})
	})
	dst[len(dst)-1] = '}'
	return append(dst, ',')
}
