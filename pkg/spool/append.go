package spool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kubewitness/kubewitness/pkg/failpoint"
)

// Append stores a record and returns nil when it is on disk. Otherwise the error is,
// for errors.As:
//
//	Full      no room now; not stored
//	Draining  the log is being closed; not stored
//	Poisoned  the store is broken for good; not stored
//	TooLarge  never will be stored
//	Unknown   may or may not be stored: the store did not answer in AppendTimeout,
//	          the context ended, or the store broke under the write
//
// A context that ends before the record was being written gives its own error, and
// the record is not stored.
//
// The record's dead letters are not handed to consumers but kept beside the log,
// for DeadLetters. They are written after the events, so that an error may come
// when the events are stored already.
func (l *Log) Append(ctx context.Context, r Record) error {
	dead := r
	dead.Events, r.Dead = nil, nil
	if len(r.Events) > 0 || len(dead.Dead) == 0 {
		if err := l.append(ctx, r); err != nil {
			return err
		}
	}
	if len(dead.Dead) == 0 {
		return nil
	}
	return l.appendDead(ctx, dead)
}

func (l *Log) appendDead(ctx context.Context, r Record) error {
	_, err := l.enter()
	if err != nil {
		return l.refused(err)
	}
	defer l.appends.Done()
	if err := l.checkDisk(); err != nil {
		return l.refused(err)
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.AppendTimeout)
	defer cancel()
	err = l.bury(ctx, Dead{Reason: r.Dead[0].Reason, Record: r})
	if err != nil && !errors.As(err, new(TooLarge)) {
		err = Unknown{Cause: l.diagnose(err)}
	}
	l.count(func(c *Counters) { c.appended(&r, err) })
	return err
}

func (l *Log) append(ctx context.Context, r Record) error {
	faulted, err := l.enter()
	if err != nil {
		return l.refused(err)
	}
	defer l.appends.Done()
	if err := l.checkDisk(); err != nil {
		return l.refused(err)
	}
	p, err := newPending(&r, l.cfg.MaxRecord)
	if err != nil {
		return l.refused(err)
	}
	if detail, ok := l.ledger.reserve(r.Cluster, p.size(), l.cfg.quotaOf(r.Cluster)); !ok {
		return l.refused(Full{Reason: FullQuota, Detail: detail, RetryAfter: l.cfg.RetryAfter})
	}
	if detail, ok := l.queue.push(p); !ok {
		l.ledger.release(p)
		return l.refused(Full{Reason: FullQueue, Detail: detail, RetryAfter: l.cfg.RetryAfter})
	}
	err = l.await(ctx, p, faulted)
	if err == nil {
		failpoint.Hit("append-acked")
	}
	l.count(func(c *Counters) { c.appended(&r, err) })
	return err
}

// enter lets an Append in, which must call appends.Done, and returns what is closed
// when the store breaks under it.
func (l *Log) enter() (<-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.draining:
		return nil, Draining{}
	case l.fault != nil:
		return nil, l.fault
	}
	l.appends.Add(1)
	return l.faulted, nil
}

func (l *Log) refused(err error) error {
	l.count(func(c *Counters) { c.Refused++ })
	return err
}

// checkDisk holds the floor of free disk space.
func (l *Log) checkDisk() error {
	if l.cfg.Dir == "" {
		return nil
	}
	free, err := l.cfg.freeSpace(l.cfg.Dir)
	if err == nil && free >= l.cfg.FreeFloor {
		return nil
	}
	detail := fmt.Sprintf("%d bytes free, the floor is %d", free, l.cfg.FreeFloor)
	if err != nil {
		detail = err.Error()
	}
	return Full{Reason: FullDisk, Detail: detail, RetryAfter: l.cfg.RetryAfter}
}

// await waits for the answer to a queued record.
func (l *Log) await(ctx context.Context, p *pending, faulted <-chan struct{}) error {
	timer := time.NewTimer(l.cfg.AppendTimeout)
	defer timer.Stop()
	var cause, unwritten error
	select {
	case err := <-p.done:
		return err
	case <-faulted:
		cause = l.Fault()
		unwritten = cause
	case <-ctx.Done():
		cause = ctx.Err()
		unwritten = fmt.Errorf("spool: not stored: %w", cause)
	case <-timer.C:
		cause = l.diagnose(fmt.Errorf("the store did not answer in %v", l.cfg.AppendTimeout))
		unwritten = Full{Reason: FullQueue, Detail: cause.Error(), RetryAfter: l.cfg.RetryAfter}
	}
	if p.abandon() {
		l.ledger.release(p)
		if unwritten == nil { // the fault is over already
			unwritten = Full{Reason: FullDisk, Detail: "the store was reopened", RetryAfter: l.cfg.RetryAfter}
		}
		return unwritten
	}
	select {
	case err := <-p.done:
		return err
	default:
	}
	if cause == nil {
		cause = errGone
	}
	return Unknown{Cause: cause}
}
