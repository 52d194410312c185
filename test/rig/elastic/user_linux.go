package elastic

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// nobody is whom the server runs as where we are root, as whom it refuses to run.
const nobody = 65534

func dropping() bool { return os.Geteuid() == 0 }

// drop has the command run as nobody, and gives it what it writes to.
func drop(cmd *exec.Cmd, dir string) error {
	if !dropping() {
		return nil
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		return err
	}
	for _, sub := range []string{"config", "data", "logs", "tmp"} {
		err := filepath.WalkDir(filepath.Join(dir, sub), func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(path, nobody, nobody)
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// lock takes the lock on a file, and reports whether nobody else has it.
func lock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
