// Command k8s-host-device-plugin is the lab's stand-in for everpeace/k8s-host-device-plugin, which OpenPAI gives
// /dev/fuse to its jobs with. It reads the real one's config.json; a device is healthy while its node is there.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"

	"k8s.io/kubernetes/cmd/openpai-lab/plugin"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

const configFile = "/k8s-host-device-plugin/config.json"

type config struct {
	ResourceName string `json:"resourceName"`
	SocketName   string `json:"socketName"`
	NumDevices   int    `json:"numDevices"`
	HostDevices  []struct {
		HostPath      string `json:"hostPath"`
		ContainerPath string `json:"containerPath"`
		Permission    string `json:"permission"`
	} `json:"hostDevices"`
}

func main() {
	file, err := os.Open(configFile)
	if err != nil {
		log.Fatal(err)
	}
	var settings config
	if err := json.NewDecoder(file).Decode(&settings); err != nil {
		log.Fatal(err)
	}
	ids := make([]string, settings.NumDevices)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s-%d", settings.SocketName, i)
	}
	plugin.Serve(plugin.Devices{
		Resource: settings.ResourceName,
		Socket:   settings.SocketName,
		IDs:      ids,
		Present: func() map[string]bool {
			present := map[string]bool{}
			for _, device := range settings.HostDevices {
				if _, err := os.Stat(device.HostPath); err != nil {
					return present
				}
			}
			for _, id := range ids {
				present[id] = true
			}
			return present
		},
		Allocate: func([]string) *api.ContainerAllocateResponse {
			response := &api.ContainerAllocateResponse{}
			for _, device := range settings.HostDevices {
				response.Devices = append(response.Devices, &api.DeviceSpec{
					HostPath: device.HostPath, ContainerPath: device.ContainerPath, Permissions: device.Permission,
				})
			}
			return response
		},
	})
}
