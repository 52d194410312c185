// Package file is a tail: it follows the log file of an API server through its
// rotations and hands what is written to it, line by line, to the intake.
//
// # What holds
//
// Every complete line is taken at least once, in order. The position behind what was
// taken is on disk, in the data folder, and moves only after the taker said that it
// has the bytes; a restart continues there. A taker that refuses is asked again, with
// the same bytes, for ever: nothing is passed over.
//
// The file is known by what is in it, not by its name and not by its inode alone: the
// digest of its first bytes and that of the last ones before the position. So a
// reused inode is not mistaken, and the position is found again in a file that was
// renamed (audit-2026-11-21T10-00-00.000.log, audit.log.1, audit.log-20261121), copied
// before the original was cut off (copytruncate), or compressed (.gz), however often
// that happened while nobody was looking. The files that were written after it are
// then read in their order. A renamed file is read until its successor has content
// and it was left alone for a while, as its writer may not have noticed.
//
// # What is handed on broken
//
// A line longer than the limit is cut, a line that its file ends in the middle of is
// handed on as it is, and both are for the intake to keep as dead letters. Zero bytes,
// which file systems leave behind after a crash, end a line. All of it is counted in
// Status.
//
// # What is lost
//
// What nobody has: lines that were written between the copy and the cut of
// copytruncate, and files that were removed before they were read. Where that is
// noticed it counts as a gap. Without a copy, what was unread when a file was cut off
// is gone. So is, unnoticed, what came and went between two looks at a file that had
// nothing in it.
//
// What must not come in: what a line means. Files are looked at by polling: a log is
// written all the time, and a notice for each write would tell nothing more.
package file
