// Command nvidia-device-plugin is the lab's stand-in for NVIDIA's device plugin.
//
// It registers nvidia.com/gpu, lists the GPUs, and answers an allocation with NVIDIA_VISIBLE_DEVICES, as the real one
// does. The GPUs are the device nodes /dev/nvidia0, 1, ... that the container runtime gave it, where the real one asks
// NVML; their ids are their indices, as with the real one's DEVICE_ID_STRATEGY=index. Of the real one's settings it
// knows FAIL_ON_INIT_ERROR.
package main

import (
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"syscall"

	"k8s.io/kubernetes/cmd/openpai-lab/plugin"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

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
	ids := gpus()
	if len(ids) == 0 {
		log.Print("no GPU found: if this node has one, is the default runtime of its Docker nvidia?")
		if os.Getenv("FAIL_ON_INIT_ERROR") != "false" {
			os.Exit(1)
		}
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
		<-signals
		return
	}
	plugin.Serve(plugin.Devices{
		Resource: "nvidia.com/gpu",
		Socket:   "nvidia-gpu.sock",
		IDs:      ids,
		Present: func() map[string]bool {
			present := map[string]bool{}
			for _, id := range gpus() {
				present[id] = true
			}
			return present
		},
		// The container runtime reads this.
		Allocate: func(ids []string) *api.ContainerAllocateResponse {
			return &api.ContainerAllocateResponse{Envs: map[string]string{"NVIDIA_VISIBLE_DEVICES": strings.Join(ids, ",")}}
		},
	})
}
