// Package plugin serves devices to a kubelet by its real device plugin API (v1beta1).
package plugin

import (
	"context"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
	"google.golang.org/grpc"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

const (
	dialTimeout = 10 * time.Second
	scanEvery   = 5 * time.Second
)

// Devices is what a plugin offers: ids found at its start, whether one is there now, and what a container gets for some.
type Devices struct {
	Resource string
	Socket   string
	IDs      []string
	Present  func() map[string]bool
	Allocate func(ids []string) *api.ContainerAllocateResponse
}

// Serve offers the devices until the process is told to end, and again whenever the kubelet has started anew.
func Serve(devices Devices) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		log.Fatal(err)
	}
	if err := watcher.Add(api.DevicePluginPath); err != nil {
		log.Fatal(err)
	}
	for {
		server := &server{Devices: devices, server: grpc.NewServer(), ended: make(chan struct{})}
		if err := server.start(); err != nil {
			log.Fatal(err)
		}
		log.Printf("registered %s: %v", devices.Resource, devices.IDs)
		if !waitForKubelet(watcher, signals) {
			server.stop()
			return
		}
		log.Print("the kubelet has started again: registering anew")
		server.stop()
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

type server struct {
	Devices
	server *grpc.Server
	ended  chan struct{}
}

// start serves on the plugin's socket and registers it with the kubelet.
func (s *server) start() error {
	socket := api.DevicePluginPath + s.Socket
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	api.RegisterDevicePluginServer(s.server, s)
	go s.server.Serve(listener)

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
		Version: api.Version, Endpoint: s.Socket, ResourceName: s.Resource, Options: &api.DevicePluginOptions{},
	})
	return err
}

func (s *server) stop() {
	close(s.ended)
	s.server.Stop()
}

// devices are those found at the start; one that is gone is unhealthy until it is back.
func (s *server) devices() []*api.Device {
	present := s.Present()
	devices := make([]*api.Device, len(s.IDs))
	for i, id := range s.IDs {
		devices[i] = &api.Device{ID: id, Health: api.Unhealthy}
		if present[id] {
			devices[i].Health = api.Healthy
		}
	}
	return devices
}

// ListAndWatch sends the devices at once, and again whenever the health of one has changed.
func (s *server) ListAndWatch(_ *api.Empty, stream api.DevicePlugin_ListAndWatchServer) error {
	sent := ""
	ticker := time.NewTicker(scanEvery)
	defer ticker.Stop()
	for {
		response := &api.ListAndWatchResponse{Devices: s.devices()}
		if response.String() != sent {
			if err := stream.Send(response); err != nil {
				return err
			}
			sent = response.String()
		}
		select {
		case <-ticker.C:
		case <-s.ended:
			return nil
		case <-stream.Context().Done():
			return nil
		}
	}
}

// Allocate answers for each container.
func (s *server) Allocate(_ context.Context, request *api.AllocateRequest) (*api.AllocateResponse, error) {
	response := &api.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		response.ContainerResponses = append(response.ContainerResponses, s.Devices.Allocate(container.DevicesIDs))
	}
	return response, nil
}

// GetDevicePluginOptions says that the plugin needs neither a call before a container's start nor a preference.
func (s *server) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

// PreStartContainer is never called: see GetDevicePluginOptions.
func (s *server) PreStartContainer(context.Context, *api.PreStartContainerRequest) (*api.PreStartContainerResponse, error) {
	return &api.PreStartContainerResponse{}, nil
}

// GetPreferredAllocation is never called: see GetDevicePluginOptions.
func (s *server) GetPreferredAllocation(context.Context, *api.PreferredAllocationRequest) (*api.PreferredAllocationResponse, error) {
	return &api.PreferredAllocationResponse{}, nil
}
