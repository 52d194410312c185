package store

import "github.com/kubewitness/kubewitness/pkg/store/hush"

func init() { hush.Speak() }
