package main

import (
	"context"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

const (
	resourceName = "nvidia.com/gpu"
	socketName   = "nvidia-gpu.sock"
	dialTimeout  = 10 * time.Second
)

// plugin serves the devices found at its start; one whose node vanishes is reported unhealthy until it is back.
type plugin struct {
	ids    []string
	server *grpc.Server
	ended  chan struct{}
}

func newPlugin(ids []string) *plugin {
	return &plugin{ids: ids, server: grpc.NewServer(), ended: make(chan struct{})}
}

// start serves on the plugin's socket and registers it with the kubelet.
func (p *plugin) start() error {
	socket := api.DevicePluginPath + socketName
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	api.RegisterDevicePluginServer(p.server, p)
	go p.server.Serve(listener)

	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	connection, err := grpc.DialContext(ctx, api.KubeletSocket, grpc.WithInsecure(), grpc.WithBlock(),
		grpc.WithContextDialer(func(ctx context.Context, path string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}))
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = api.NewRegistrationClient(connection).Register(ctx, &api.RegisterRequest{
		Version: api.Version, Endpoint: socketName, ResourceName: resourceName, Options: &api.DevicePluginOptions{},
	})
	return err
}

func (p *plugin) stop() {
	close(p.ended)
	p.server.Stop()
}

func (p *plugin) devices() []*api.Device {
	present := map[string]bool{}
	for _, id := range gpus() {
		present[id] = true
	}
	devices := make([]*api.Device, len(p.ids))
	for i, id := range p.ids {
		devices[i] = &api.Device{ID: id, Health: api.Unhealthy}
		if present[id] {
			devices[i].Health = api.Healthy
		}
	}
	return devices
}

// ListAndWatch sends the devices at once, and again whenever the health of one has changed.
func (p *plugin) ListAndWatch(_ *api.Empty, stream api.DevicePlugin_ListAndWatchServer) error {
	sent := ""
	ticker := time.NewTicker(scanEvery)
	defer ticker.Stop()
	for {
		response := &api.ListAndWatchResponse{Devices: p.devices()}
		if response.String() != sent {
			if err := stream.Send(response); err != nil {
				return err
			}
			sent = response.String()
		}
		select {
		case <-ticker.C:
		case <-p.ended:
			return nil
		case <-stream.Context().Done():
			return nil
		}
	}
}

// Allocate names the GPUs of each container to the container runtime.
func (p *plugin) Allocate(_ context.Context, request *api.AllocateRequest) (*api.AllocateResponse, error) {
	response := &api.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		response.ContainerResponses = append(response.ContainerResponses, &api.ContainerAllocateResponse{
			Envs: map[string]string{"NVIDIA_VISIBLE_DEVICES": strings.Join(container.DevicesIDs, ",")},
		})
	}
	return response, nil
}

// GetDevicePluginOptions says that the plugin needs neither a call before a container's start nor a preference.
func (p *plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

// PreStartContainer is never called: see GetDevicePluginOptions.
func (p *plugin) PreStartContainer(context.Context, *api.PreStartContainerRequest) (*api.PreStartContainerResponse, error) {
	return &api.PreStartContainerResponse{}, nil
}

// GetPreferredAllocation is never called: see GetDevicePluginOptions.
func (p *plugin) GetPreferredAllocation(context.Context, *api.PreferredAllocationRequest) (*api.PreferredAllocationResponse, error) {
	return &api.PreferredAllocationResponse{}, nil
}
