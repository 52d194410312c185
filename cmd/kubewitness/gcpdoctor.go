package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging"
	"github.com/kubewitness/kubewitness/pkg/policy"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/server"
)

// late is how long entries take usually, at most.
const late = time.Minute

type gcpDoctor struct {
	stdio
	archive archiveFlags
	rules   ruleFlags
	logs    logFlags
	wrong   bool
}

func newGCPDoctor(io stdio) *cobra.Command {
	c := &gcpDoctor{stdio: io}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Tell what keeps the audit log of GKE from being read, and rules from firing",
		Long: `doctor asks the Cloud Logging API as the service does and tells, in a sentence each, what
is wrong: permissions that are missing, a log without entries of the Kubernetes API,
Data Access logs that are off, with the rules that are blind without them; and, with
"note:" in front, what is good to know: which clusters there are, how late entries come,
whether the quota is used up. Of a folder or an organization it looks at the projects in
it. It changes nothing, and takes two read requests for each project.

Exit codes: 0 nothing is wrong; 1 something is; 2 bad flags or rules.`,
		Example: `  kubewitness gcp doctor --project acme-prod`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	c.logs.registerPlaces(fs)
	fs.StringVar(&c.archive.data, "data", "", "`folder` of a service's state, whose requests count, too (default KUBEWITNESS_DATA, else that of the configuration)")
	fs.StringVarP(&c.archive.config, "config", "c", "", "configuration `file` (default: the one that "+config.EnvFile+" names, else none)")
	fs.StringArrayVarP(&c.rules.paths, "rules", "r", nil, "rules `file`, or folder of *.yaml files; repeat for more, in order (default: those of the configuration)")
	return cmd
}

func (c *gcpDoctor) run(ctx context.Context) error {
	cfg, err := c.archive.loadConfig(c.stdio, c.rules.paths)
	if err != nil {
		return err
	}
	if err := c.logs.complete(cfg.CloudLogging); err != nil {
		return err
	}
	c.rules.paths, c.rules.minPriority = cfg.Rules.Paths, cfg.Rules.MinPriority.String()
	set, err := c.rules.load(c.err)
	if err != nil {
		return err
	}
	client, err := cloudlogging.Dial(ctx, cloudlogging.AccessOf(c.logs.credentials, os.Getenv))
	if err != nil {
		return &exitError{code: exitUnreadable, err: err}
	}
	defer client.Close()
	quotas := &cloudlogging.Quotas{PerMinute: c.logs.requests, Now: time.Now}
	if dir := filepath.Join(cfg.Data, server.CloudLoggingFolder); isFolder(dir) {
		quotas.Dir = dir
	}
	for _, r := range c.logs.resources {
		look := func(resource string, below bool) (seen bool, err error) {
			d, err := cloudlogging.Diagnose(ctx, client, quotas, resource, time.Now)
			if err != nil {
				return false, askError(ctx, c.err, "", err)
			}
			return d.Activity.Entries+d.DataAccess.Entries > 0, c.tell(d, set, below)
		}
		if cloudlogging.HasProjects(r) {
			err = c.below(ctx, client, r, look)
		} else {
			_, err = look(r, false)
		}
		if err != nil {
			return err
		}
	}
	if c.wrong {
		return &exitError{code: exitUnreadable}
	}
	return nil
}

// below looks at the projects of a folder or an organization.
func (c *gcpDoctor) below(ctx context.Context, client *cloudlogging.Client, parent string, look func(string, bool) (bool, error)) error {
	w := &lineWriter{w: c.out}
	projects, err := client.Projects(ctx, parent)
	if err != nil {
		c.wrong = true
		w.print("%s\n", printable(strings.TrimPrefix(err.Error(), "cloudlogging: ")))
		return w.err
	}
	w.print("note: %s: %s in it\n", parent, plural(uint64(len(projects)), "project"))
	some := false
	for _, project := range projects {
		seen, err := look(project, true)
		if err != nil {
			return err
		}
		some = some || seen
	}
	if !some {
		c.wrong = true
		w.print("%s: no project in it has an entry of the Kubernetes API of the last day\n", parent)
	}
	return w.err
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// tell writes what was found of a resource; below says that it is a project of a folder, which may well have no cluster.
func (c *gcpDoctor) tell(d *cloudlogging.Diagnosis, set *ruleset.Set, below bool) error {
	w := &lineWriter{w: c.out}
	problem := func(format string, args ...any) {
		c.wrong = true
		w.print("%s\n", printable(d.Resource+": "+fmt.Sprintf(format, args...)))
	}
	note := func(format string, args ...any) {
		w.print("%s\n", printable("note: "+d.Resource+": "+fmt.Sprintf(format, args...)))
	}
	if d.Refused != nil {
		problem("nothing can be read: %s", strings.TrimPrefix(d.Refused.Error(), "cloudlogging: "+d.Resource+": "))
	}
	for _, p := range d.Missing {
		problem("%s", missingPermission(p))
	}
	if d.NotAsked != nil {
		note("which permissions there are is not known: %v", d.NotAsked)
	}
	switch {
	case d.Refused != nil:
	case below && d.Activity.Entries+d.DataAccess.Entries == 0:
		note("there is no entry of the Kubernetes API of the last day")
	default:
		tellLogs(d, set, problem, note)
	}
	if d.Quota > 0 {
		note("the quota was used up %s; something else reads with it, or more is to be asked for", several(d.Quota, "time", "times"))
	}
	return w.err
}

func missingPermission(p string) string {
	switch p {
	case cloudlogging.PermissionPrivate:
		return "the permission " + p + " is missing, so that Data Access logs cannot be seen whether they are on or not; roles/logging.privateLogViewer has it"
	case cloudlogging.PermissionViews:
		return "the permission " + p + " is missing, unless it is given for the view alone; roles/logging.viewAccessor has it"
	}
	return "the permission " + p + " is missing, so that no entry can be read; roles/logging.viewer has it"
}

// tellLogs tells what is in the logs.
func tellLogs(d *cloudlogging.Diagnosis, set *ruleset.Set, problem, note func(string, ...any)) {
	switch {
	case d.Activity.Entries == 0 && d.DataAccess.Entries == 0:
		problem("there is no entry of the Kubernetes API of the last day: see to the project, and to whether it has a cluster")
		return
	case d.DataAccess.Entries == 0 && slices.Contains(d.Missing, cloudlogging.PermissionPrivate):
	case d.DataAccess.Entries == 0:
		why := "Data Access logs of the Kubernetes API are off, as is usual"
		if d.NotAsked != nil {
			why = "there are no entries of Data Access logs, which are off, as is usual, or cannot be read without " + cloudlogging.PermissionPrivate
		}
		blind, partly := blindWithout(set)
		if len(blind) > 0 {
			problem("%s, so that %s blind", why, plural(uint64(len(blind)), "rule")+verbFor(len(blind)))
		} else {
			note("%s; no rule is blind for it", why)
		}
		for i := range blind {
			problem("%s", blindness(&blind[i]))
		}
		if partly > 0 {
			note("%s reads as well, of which there are none: kubewitness rules coverage --gke=activity", several(int64(partly), "more rule looks at", "more rules look at"))
		}
	case d.Activity.Entries == 0:
		note("there is nothing in the Admin Activity log of the last day")
	}
	if len(d.Clusters) > 0 {
		note("the newest entries are of %s: %s", plural(uint64(len(d.Clusters)), "cluster"), strings.Join(d.Clusters, ", "))
	}
	median, longest := d.Activity.Median, d.Activity.Longest
	if d.Activity.Entries == 0 {
		median, longest = d.DataAccess.Median, d.DataAccess.Longest
	}
	text := fmt.Sprintf("half of the newest entries were received within %s of the request, all of them within %s", shortly(median), shortly(longest))
	if median > late {
		text += "; detections come as late"
	}
	note("%s", text)
}

func verbFor(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

// shortly rounds a time to what is worth telling.
func shortly(d time.Duration) time.Duration {
	if d >= time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}

// blindWithout gives the rules that can fire on GKE with Data Access logs, and cannot without; and how many others lose a
// part of what they look for.
func blindWithout(set *ruleset.Set) (blind []policy.RuleCoverage, partly int) {
	with := policy.Cover(set.Rules.Rules, set.Catalogue, false, policy.GKE(nil, true))
	without := policy.Cover(set.Rules.Rules, set.Catalogue, false, policy.GKE(nil, false))
	for i := range without.Rules {
		c := &without.Rules[i]
		switch before := with.Of(c.Rule); {
		case before.Status == policy.Blind:
		case c.Status == policy.Blind:
			blind = append(blind, *c)
		case c.Status == policy.Partly && moreReads(c.Lost, before.Lost):
			partly++
		}
	}
	return blind, partly
}

// moreReads tells whether reads by people are lost that were not before.
func moreReads(lost, before []policy.Loss) bool {
	return slices.ContainsFunc(lost, func(l policy.Loss) bool {
		same := func(m policy.Loss) bool { return slices.Equal(l.Verbs, m.Verbs) && slices.Equal(l.Targets, m.Targets) }
		return l.Recorded == "None" && len(l.Users) == 0 && slices.ContainsFunc(l.Verbs, isRead) && !slices.ContainsFunc(before, same)
	})
}

func isRead(verb string) bool { return verb == "get" || verb == "list" || verb == "watch" }

// blindness says in a sentence what a rule does not see, and which kind of Data Access log would have it.
func blindness(c *policy.RuleCoverage) string {
	l := &c.Lost[0]
	kind := "ADMIN_READ"
	if slices.Equal(l.Targets, []string{"pods/log"}) {
		kind = "DATA_READ"
	}
	targets := l.Targets
	const most = 4
	if len(targets) > most {
		targets = append(slices.Clone(targets[:most]), "others")
	}
	return fmt.Sprintf("%q looks for %s of %s, which %s logs have", c.Rule, strings.Join(l.Verbs, ", "), strings.Join(targets, ", "), kind)
}
