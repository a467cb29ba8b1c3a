// Command nvidia-device-plugin is the lab's stand-in for NVIDIA's device plugin.
//
// It speaks the kubelet's real device plugin API (v1beta1): it registers nvidia.com/gpu, lists the GPUs, and answers
// an allocation with NVIDIA_VISIBLE_DEVICES, as the real one does. The GPUs are the device nodes /dev/nvidia0, 1, ...
// that the container runtime gave it, where the real one asks NVML; their ids are their indices, as with the real
// one's DEVICE_ID_STRATEGY=index. Of the real one's settings it knows FAIL_ON_INIT_ERROR.
package main

import (
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

const scanEvery = 5 * time.Second

var deviceNode = regexp.MustCompile(`^nvidia([0-9]+)$`)

// gpus returns the indices of the GPUs that have a device node, in order.
func gpus() []string {
	nodes, err := filepath.Glob("/dev/nvidia*")
	if err != nil {
		log.Fatal(err)
	}
	var indices []int
	for _, node := range nodes {
		if match := deviceNode.FindStringSubmatch(filepath.Base(node)); match != nil {
			index, err := strconv.Atoi(match[1])
			if err != nil {
				log.Fatal(err)
			}
			indices = append(indices, index)
		}
	}
	sort.Ints(indices)
	ids := make([]string, len(indices))
	for i, index := range indices {
		ids[i] = strconv.Itoa(index)
	}
	return ids
}

func main() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)

	ids := gpus()
	if len(ids) == 0 {
		log.Print("no GPU found: if this node has one, is the default runtime of its Docker nvidia?")
		if os.Getenv("FAIL_ON_INIT_ERROR") != "false" {
			os.Exit(1)
		}
		<-signals
		return
	}

	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		log.Fatal(err)
	}
	if err := watcher.Add(api.DevicePluginPath); err != nil {
		log.Fatal(err)
	}
	for {
		plugin := newPlugin(ids)
		if err := plugin.start(); err != nil {
			log.Fatal(err)
		}
		log.Printf("registered %s: %v", resourceName, ids)
		if !waitForKubelet(watcher, signals) {
			plugin.stop()
			return
		}
		log.Print("the kubelet has started again: registering anew")
		plugin.stop()
	}
}

// waitForKubelet returns true when the kubelet has made its socket anew, false when the plugin is told to end.
func waitForKubelet(watcher *fsnotify.Watcher, signals <-chan os.Signal) bool {
	for {
		select {
		case event := <-watcher.Events:
			if event.Name == api.KubeletSocket && event.Op&fsnotify.Create != 0 {
				return true
			}
		case err := <-watcher.Errors:
			log.Print(err)
		case <-signals:
			return false
		}
	}
}
