package main

import (
	"net"
	"strings"

	"github.com/miekg/dns"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	listers "k8s.io/client-go/listers/core/v1"
)

// ttl of every answer in seconds, as in the Corefile that kubeadm writes.
const ttl = 30

// resolver answers from the API server's services and endpoints, and forwards what is not the cluster's.
type resolver struct {
	domain    string
	services  listers.ServiceLister
	endpoints listers.EndpointsLister
	upstreams []string
	client    *dns.Client
}

// ServeDNS answers one query.
func (r *resolver) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	reply := new(dns.Msg)
	reply.SetReply(query)
	reply.RecursionAvailable = true
	if len(query.Question) != 1 {
		reply.Rcode = dns.RcodeFormatError
	} else {
		r.answer(reply, query.Question[0])
	}
	if _, overUDP := w.RemoteAddr().(*net.UDPAddr); overUDP {
		size := dns.MinMsgSize
		if option := query.IsEdns0(); option != nil {
			size = int(option.UDPSize())
		}
		if reply.Len() > size {
			reply.Truncated, reply.Answer = true, nil
		}
	}
	w.WriteMsg(reply)
}

func (r *resolver) answer(reply *dns.Msg, question dns.Question) {
	name := canonical(question.Name)
	if strings.HasSuffix(name, ".in-addr.arpa.") {
		if pointers := r.pointers(name); len(pointers) > 0 {
			reply.Answer = pointers
			return
		}
	}
	if !dns.IsSubDomain(r.domain, name) {
		r.forward(reply, question)
		return
	}
	reply.Authoritative = true
	records, exists := r.records(question.Name, name)
	for _, record := range records {
		kind := record.Header().Rrtype
		if kind == question.Qtype || question.Qtype == dns.TypeANY || kind == dns.TypeCNAME {
			reply.Answer = append(reply.Answer, record)
		}
		if alias, ok := record.(*dns.CNAME); ok && question.Qtype != dns.TypeCNAME {
			r.answer(reply, dns.Question{Name: alias.Target, Qtype: question.Qtype, Qclass: question.Qclass})
		}
	}
	if !exists {
		reply.Rcode = dns.RcodeNameError
	}
	if len(reply.Answer) == 0 {
		reply.Ns = []dns.RR{&dns.SOA{
			Hdr: header(r.domain, dns.TypeSOA), Ns: "ns.dns." + r.domain, Mbox: "hostmaster." + r.domain,
			Serial: 1, Refresh: 7200, Retry: 1800, Expire: 86400, Minttl: ttl,
		}}
	}
}

// forward appends the first upstream's answer, or says that there is none.
func (r *resolver) forward(reply *dns.Msg, question dns.Question) {
	query := new(dns.Msg)
	query.SetQuestion(question.Name, question.Qtype)
	for _, upstream := range r.upstreams {
		if answer, _, err := r.client.Exchange(query, net.JoinHostPort(upstream, "53")); err == nil {
			reply.Answer = append(reply.Answer, answer.Answer...)
			reply.Rcode = answer.Rcode
			return
		}
	}
	reply.Rcode = dns.RcodeServerFailure
}

// records returns what the cluster has under a name of its domain, and whether the name exists at all. The schema is
// https://github.com/kubernetes/dns/blob/master/docs/specification.md
func (r *resolver) records(asked, name string) ([]dns.RR, bool) {
	parts := dns.SplitDomainName(strings.TrimSuffix(name, r.domain))
	if len(parts) < 3 {
		return nil, len(parts) == 0 || parts[len(parts)-1] == "svc" && len(parts) == 1
	}
	kind, namespace, parts := parts[len(parts)-1], parts[len(parts)-2], parts[:len(parts)-2]
	switch kind {
	case "pod":
		if ip := net.ParseIP(strings.ReplaceAll(parts[0], "-", ".")); ip != nil && len(parts) == 1 {
			return []dns.RR{address(asked, ip.String())}, true
		}
	case "svc":
		service, err := r.services.Services(namespace).Get(parts[len(parts)-1])
		if err == nil {
			return r.service(asked, service, parts[:len(parts)-1])
		}
	}
	return nil, false
}

// service returns the records of a service (no prefix), of one of its endpoints (one label), or of one of its named
// ports (_port, _protocol).
func (r *resolver) service(asked string, service *v1.Service, prefix []string) ([]dns.RR, bool) {
	var records []dns.RR
	switch {
	case service.Spec.Type == v1.ServiceTypeExternalName:
		alias := &dns.CNAME{Hdr: header(asked, dns.TypeCNAME), Target: dns.Fqdn(service.Spec.ExternalName)}
		return []dns.RR{alias}, true
	case len(prefix) == 2:
		for _, port := range service.Spec.Ports {
			if prefix[0] == "_"+port.Name && prefix[1] == "_"+strings.ToLower(string(port.Protocol)) {
				records = append(records, &dns.SRV{
					Hdr: header(asked, dns.TypeSRV), Weight: 100, Port: uint16(port.Port), Target: r.name(service.Name, service.Namespace),
				})
			}
		}
	case len(prefix) == 0 && service.Spec.ClusterIP != v1.ClusterIPNone:
		records = append(records, address(asked, service.Spec.ClusterIP))
	case len(prefix) <= 1:
		for _, endpoint := range r.addresses(service) {
			if len(prefix) == 0 || prefix[0] == endpointLabel(endpoint) {
				records = append(records, address(asked, endpoint.IP))
			}
		}
	}
	return records, len(records) > 0 || len(prefix) == 0
}

// pointers returns the names of the service or endpoint that has the address of an in-addr.arpa name.
func (r *resolver) pointers(name string) []dns.RR {
	parts := dns.SplitDomainName(strings.TrimSuffix(name, ".in-addr.arpa."))
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	ip := strings.Join(parts, ".")
	services, err := r.services.List(labels.Everything())
	if err != nil {
		return nil
	}
	for _, service := range services {
		if service.Spec.ClusterIP == ip {
			return []dns.RR{&dns.PTR{Hdr: header(name, dns.TypePTR), Ptr: r.name(service.Name, service.Namespace)}}
		}
		for _, endpoint := range r.addresses(service) {
			if endpoint.IP == ip {
				target := endpointLabel(endpoint) + "." + r.name(service.Name, service.Namespace)
				return []dns.RR{&dns.PTR{Hdr: header(name, dns.TypePTR), Ptr: target}}
			}
		}
	}
	return nil
}

// addresses returns the ready endpoints of a service.
func (r *resolver) addresses(service *v1.Service) []v1.EndpointAddress {
	endpoints, err := r.endpoints.Endpoints(service.Namespace).Get(service.Name)
	if err != nil {
		return nil
	}
	var addresses []v1.EndpointAddress
	for _, subset := range endpoints.Subsets {
		addresses = append(addresses, subset.Addresses...)
	}
	return addresses
}

func (r *resolver) name(service, namespace string) string {
	return service + "." + namespace + ".svc." + r.domain
}

// endpointLabel is an endpoint's host name, or its address with dashes where it has none.
func endpointLabel(endpoint v1.EndpointAddress) string {
	if endpoint.Hostname != "" {
		return endpoint.Hostname
	}
	return strings.ReplaceAll(endpoint.IP, ".", "-")
}

func canonical(name string) string {
	return strings.ToLower(dns.Fqdn(name))
}

func address(name, ip string) dns.RR {
	return &dns.A{Hdr: header(name, dns.TypeA), A: net.ParseIP(ip)}
}

func header(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}
