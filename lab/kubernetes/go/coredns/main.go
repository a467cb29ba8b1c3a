// Command coredns is the lab's stand-in for CoreDNS, which no package registry holds.
//
// It speaks real DNS, watches the real API server, and answers for the cluster's own names (services, endpoints,
// pods by address, reverse lookups); other names go to the name servers of /etc/resolv.conf. Its command line, ports
// and probes (:8080/health, :8181/ready) are CoreDNS's, so that kubeadm's own manifest runs it unchanged. Of the
// Corefile it reads the cluster's domain alone; it has no plugins, no cache and no metrics.
package main

import (
	"flag"
	"fmt"
	"io/ioutil"
	"log"
	"net/http"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const resyncNever = 0

var kubernetesBlock = regexp.MustCompile(`(?m)^\s*kubernetes\s+(\S+)`)

// clusterDomain returns the domain that the Corefile gives to its kubernetes block, fully qualified.
func clusterDomain(corefile string) (string, error) {
	text, err := ioutil.ReadFile(corefile)
	if err != nil {
		return "", err
	}
	match := kubernetesBlock.FindSubmatch(text)
	if match == nil {
		return "", fmt.Errorf("%s has no kubernetes block", corefile)
	}
	return canonical(string(match[1])), nil
}

// serveStatus answers 200 at the path once ready says so, 503 before.
func serveStatus(address, path string, ready func() bool) {
	mux := http.NewServeMux()
	mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		if !ready() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "OK")
	})
	log.Fatal(http.ListenAndServe(address, mux))
}

func main() {
	corefile := flag.String("conf", "Corefile", "the Corefile")
	flag.Parse()

	domain, err := clusterDomain(*corefile)
	if err != nil {
		log.Fatal(err)
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		log.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	upstreams, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil {
		log.Fatal(err)
	}

	var synced int32
	go serveStatus(":8080", "/health", func() bool { return true })
	go serveStatus(":8181", "/ready", func() bool { return atomic.LoadInt32(&synced) == 1 })

	factory := informers.NewSharedInformerFactory(client, resyncNever)
	resolver := &resolver{
		domain:    domain,
		services:  factory.Core().V1().Services().Lister(),
		endpoints: factory.Core().V1().Endpoints().Lister(),
		upstreams: upstreams.Servers,
		client:    &dns.Client{Timeout: 2 * time.Second},
	}
	stop := make(chan struct{})
	factory.Start(stop)
	for kind, done := range factory.WaitForCacheSync(stop) {
		if !done {
			log.Fatalf("could not list %v", kind)
		}
	}
	atomic.StoreInt32(&synced, 1)
	log.Printf("serving %s, forwarding to %v", domain, resolver.upstreams)

	for _, network := range []string{"udp", "tcp"} {
		server := &dns.Server{Addr: ":53", Net: network, Handler: resolver}
		go func() { log.Fatal(server.ListenAndServe()) }()
	}
	<-stop
}
