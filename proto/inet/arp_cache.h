/* proto/inet/arp_cache.h - who has which address, as proto/inet/arp.h draws it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "proto/inet/arp.h"

enum arp_state { ARP_FREE, ARP_PENDING, ARP_REACHABLE, ARP_STALE, ARP_FAILED };

struct arp_entry {
	uint32_t address; /* host order */
	uint8_t mac[6];
	uint8_t state;    /* enum arp_state; written by arp_set_state() only */
	uint8_t requests; /* sent and unanswered */
	bool is_static;   /* never ages, never learns, never makes room */
	/* PENDING: next request; REACHABLE: becomes STALE; STALE: may ask again; FAILED: may be tried again */
	uint64_t next_at_us;
	uint64_t used_at_us;
};

struct arp_config {
	uint8_t mac[6];
	uint32_t address; /* ours, host order */
	uint64_t reachable_us, retry_us, failed_us;
	uint8_t requests_max;
};

struct arp_cache {
	struct arp_config config;
	uint32_t generation; /* raised when a known MAC changes: header templates are stale */
	uint64_t tick_at_us; /* no PENDING entry's next_at_us is earlier */
	struct arp_entry entries[ARP_CACHE_MAX];
};

/* reachable 60 s, retry 1 s, failed 3 s, 3 requests */
void arp_cache_init(struct arp_cache *cache, const uint8_t mac[6], uint32_t address);

enum arp_answer {
	ARP_KNOWN,  /* mac is filled in */
	ARP_WAIT,   /* a request is out: let the packet wait at *index */
	ARP_ASK,    /* as ARP_WAIT, and send *request now */
	ARP_NOBODY, /* failed: drop the packet */
};

/* next hop -> MAC address. request: to be sent when ARP_ASK, or (STALE entries) when *refresh is set beside ARP_KNOWN. */
enum arp_answer arp_resolve(struct arp_cache *cache, uint32_t next_hop, uint64_t now_us,
			    uint8_t mac[6], uint32_t *index, struct arp_packet *request,
			    bool *refresh);

struct arp_outcome {
	bool reply;    /* send *packet to packet.target_mac */
	bool resolved; /* entry index became REACHABLE: send what waits there */
	bool conflict; /* somebody else claims our address (RFC 5227): count and log */
	uint32_t index;
	struct arp_packet packet;
};

void arp_input(struct arp_cache *cache, const struct arp_packet *in, uint64_t now_us,
	       struct arp_outcome *out);
/* Requests due now: call until false. *index of an entry that became FAILED is reported with *failed:
 * its waiting packets are to be dropped. */
bool arp_tick(struct arp_cache *cache, uint64_t now_us, struct arp_packet *request, uint32_t *index,
	      bool *failed);
uint64_t arp_next_at(const struct arp_cache *cache); /* UINT64_MAX: nothing pending */
/* At start, before anybody waits for address. A static entry never ages. False: cache full of static ones. */
bool arp_add_static(struct arp_cache *cache, uint32_t address, const uint8_t mac[6]);
/* What to announce at start (RFC 5227 ARP Announcement). */
void arp_announcement(const struct arp_cache *cache, struct arp_packet *out);
