/* proto/inet/arp_cache.c - entries in one array, found by probing from a hash of the address. A slot may become free or change hands
 * at any time, so a search that finds nothing has looked at all of them: that is the price of a new neighbour only.
 *
 * An entry ages when it is wanted, not by a timer: only PENDING ones need the clock. Who makes room: the longest unused one, but
 * a known MAC counts as used ARP_KNOWN_BONUS_US later, so that a stranger who makes us ask for a thousand addresses does not
 * drive out the neighbours that we talk to.
 */
#include "proto/inet/arp_cache.h"

#include <stddef.h>
#include <string.h>

#include "proto/base/assert.h"

#define ARP_REACHABLE_US   UINT64_C(60000000)
#define ARP_RETRY_US       UINT64_C(1000000)
#define ARP_FAILED_US      UINT64_C(3000000)
#define ARP_REQUESTS       3
#define ARP_KNOWN_BONUS_US UINT64_C(30000000)

enum { MAC_SIZE = 6 };

void
arp_cache_init(struct arp_cache *cache, const uint8_t mac[6], uint32_t address)
{
	memset(cache, 0, sizeof(*cache));
	memcpy(cache->config.mac, mac, MAC_SIZE);
	cache->config.address = address;
	cache->config.reachable_us = ARP_REACHABLE_US;
	cache->config.retry_us = ARP_RETRY_US;
	cache->config.failed_us = ARP_FAILED_US;
	cache->config.requests_max = ARP_REQUESTS;
	cache->tick_at_us = UINT64_MAX;
}

static void
arp_set_state(struct arp_entry *entry, enum arp_state state)
{
#define MAY(to) (1u << (to))
	static const uint8_t allowed[] = {
		[ARP_FREE] = MAY(ARP_PENDING) | MAY(ARP_REACHABLE),
		[ARP_PENDING] = MAY(ARP_REACHABLE) | MAY(ARP_FAILED) | MAY(ARP_FREE),
		[ARP_REACHABLE] = MAY(ARP_REACHABLE) | MAY(ARP_STALE) | MAY(ARP_FREE),
		[ARP_STALE] = MAY(ARP_REACHABLE) | MAY(ARP_PENDING) | MAY(ARP_FREE),
		[ARP_FAILED] = MAY(ARP_REACHABLE) | MAY(ARP_PENDING) | MAY(ARP_FREE),
	};
#undef MAY
	ASSERT((allowed[entry->state] >> state & 1) != 0);
	ASSERT(!entry->is_static || state == ARP_REACHABLE);
	entry->state = (uint8_t)state;
}

static uint32_t
home_of(uint32_t address)
{
	return (address * 2654435761u >> 16) % ARP_CACHE_MAX;
}

static struct arp_entry *
find(struct arp_cache *cache, uint32_t address)
{
	uint32_t home = home_of(address);
	for (uint32_t i = 0; i < ARP_CACHE_MAX; i++) {
		struct arp_entry *entry = &cache->entries[(home + i) % ARP_CACHE_MAX];
		if (entry->address == address && entry->state != ARP_FREE)
			return entry;
	}
	return NULL;
}

static bool
is_known(const struct arp_entry *entry)
{
	return entry->state == ARP_REACHABLE || entry->state == ARP_STALE;
}

/* When an entry counts as used last; UINT64_MAX: it must stay. */
static uint64_t
worth(const struct arp_entry *entry, bool spare_pending)
{
	if (entry->is_static || (spare_pending && entry->state == ARP_PENDING))
		return UINT64_MAX;
	return entry->used_at_us + (is_known(entry) ? ARP_KNOWN_BONUS_US : 0);
}

/* A free entry for address, made free if need be; NULL: all must stay. spare_pending: packets wait
 * there, and the caller has none of its own to put in their place. */
static struct arp_entry *
take(struct arp_cache *cache, uint32_t address, bool spare_pending)
{
	uint32_t home = home_of(address);
	struct arp_entry *victim = NULL;
	uint64_t least = UINT64_MAX;
	for (uint32_t i = 0; i < ARP_CACHE_MAX; i++) {
		struct arp_entry *entry = &cache->entries[(home + i) % ARP_CACHE_MAX];
		if (entry->state == ARP_FREE) {
			victim = entry;
			break;
		}
		if (worth(entry, spare_pending) < least) {
			least = worth(entry, spare_pending);
			victim = entry;
		}
	}
	if (victim == NULL)
		return NULL;
	if (victim->state != ARP_FREE)
		arp_set_state(victim, ARP_FREE);
	*victim = (struct arp_entry){.address = address, .state = ARP_FREE};
	return victim;
}

/* mac NULL: ask everybody. */
static void
make_request(const struct arp_cache *cache, uint32_t target, const uint8_t *mac,
	     struct arp_packet *out)
{
	*out = (struct arp_packet){
		.operation = ARP_REQUEST, .sender = cache->config.address, .target = target};
	memcpy(out->sender_mac, cache->config.mac, MAC_SIZE);
	if (mac != NULL)
		memcpy(out->target_mac, mac, MAC_SIZE);
}

/* One more request goes out for this entry now. */
static void
count_request(struct arp_cache *cache, struct arp_entry *entry, uint64_t now_us)
{
	entry->requests++;
	entry->next_at_us = now_us + cache->config.retry_us;
	if (entry->state == ARP_PENDING && entry->next_at_us < cache->tick_at_us)
		cache->tick_at_us = entry->next_at_us;
}

static enum arp_answer
begin_asking(struct arp_cache *cache, struct arp_entry *entry, uint64_t now_us,
	     struct arp_packet *request)
{
	arp_set_state(entry, ARP_PENDING);
	entry->requests = 0;
	count_request(cache, entry, now_us);
	make_request(cache, entry->address, NULL, request);
	return ARP_ASK;
}

static void
become_stale(struct arp_entry *entry, uint64_t now_us)
{
	arp_set_state(entry, ARP_STALE);
	entry->requests = 0;
	entry->next_at_us = now_us;
}

/* The MAC is known, but old: use it, and ask its owner whether it still holds. */
static enum arp_answer
use_stale(struct arp_cache *cache, struct arp_entry *entry, uint64_t now_us,
	  struct arp_packet *request, bool *refresh)
{
	if (now_us < entry->next_at_us)
		return ARP_KNOWN;
	if (entry->requests >= cache->config.requests_max)
		return begin_asking(cache, entry, now_us, request);
	count_request(cache, entry, now_us);
	make_request(cache, entry->address, entry->mac, request);
	*refresh = true;
	return ARP_KNOWN;
}

enum arp_answer /* NOLINTNEXTLINE(readability-function-size) */
arp_resolve(struct arp_cache *cache, uint32_t next_hop, uint64_t now_us, uint8_t mac[6],
	    uint32_t *index, struct arp_packet *request, bool *refresh)
{
	*refresh = false;
	struct arp_entry *entry = find(cache, next_hop);
	if (entry == NULL)
		entry = take(cache, next_hop, false);
	if (entry == NULL)
		return ARP_NOBODY;
	*index = (uint32_t)(entry - cache->entries);
	entry->used_at_us = now_us;
	if (entry->state == ARP_REACHABLE && now_us >= entry->next_at_us)
		become_stale(entry, now_us);
	enum arp_answer answer = ARP_WAIT;
	switch ((enum arp_state)entry->state) {
	case ARP_PENDING:
		return ARP_WAIT;
	case ARP_FREE:
		return begin_asking(cache, entry, now_us, request);
	case ARP_FAILED:
		if (now_us < entry->next_at_us)
			return ARP_NOBODY;
		return begin_asking(cache, entry, now_us, request);
	case ARP_REACHABLE:
		answer = ARP_KNOWN;
		break;
	case ARP_STALE:
		answer = use_stale(cache, entry, now_us, request, refresh);
		break;
	}
	if (answer == ARP_KNOWN)
		memcpy(mac, entry->mac, MAC_SIZE);
	return answer;
}

static void
learn(struct arp_cache *cache, struct arp_entry *entry, const uint8_t mac[6], uint64_t now_us)
{
	static const uint8_t unknown[MAC_SIZE];
	if (memcmp(entry->mac, mac, MAC_SIZE) != 0 && memcmp(entry->mac, unknown, MAC_SIZE) != 0)
		cache->generation++;
	memcpy(entry->mac, mac, MAC_SIZE);
	arp_set_state(entry, ARP_REACHABLE);
	entry->requests = 0;
	entry->next_at_us = now_us + cache->config.reachable_us;
}

/* An address that a neighbour can have. */
static bool
is_host(uint32_t address)
{
	uint32_t net = address >> 24;
	return net != 0 && net != 127 && net < 224;
}

static void
hear_of(struct arp_cache *cache, const struct arp_packet *in, uint64_t now_us,
	struct arp_outcome *out)
{
	bool to_us = in->target == cache->config.address;
	struct arp_entry *entry = find(cache, in->sender);
	if (entry == NULL && to_us && in->operation == ARP_REQUEST) {
		entry = take(cache, in->sender, true); /* it will speak to us next (RFC 826) */
		if (entry != NULL)
			entry->used_at_us = now_us;
	}
	if (entry == NULL || entry->is_static)
		return;
	bool asked = entry->state == ARP_PENDING && in->operation == ARP_REPLY;
	if (to_us || asked) {
		out->resolved = entry->state == ARP_PENDING;
		out->index = (uint32_t)(entry - cache->entries);
		learn(cache, entry, in->sender_mac, now_us);
	} else if (entry->state == ARP_REACHABLE &&
		   memcmp(entry->mac, in->sender_mac, MAC_SIZE) != 0) {
		become_stale(entry, now_us);
	}
}

void
arp_input(struct arp_cache *cache, const struct arp_packet *in, uint64_t now_us,
	  struct arp_outcome *out)
{
	*out = (struct arp_outcome){0};
	if (memcmp(in->sender_mac, cache->config.mac, MAC_SIZE) == 0)
		return; /* our own frame, sent back to us */
	if (in->sender == cache->config.address) {
		out->conflict = true;
		return;
	}
	if (is_host(in->sender))
		hear_of(cache, in, now_us, out);
	else if (in->sender != 0) /* 0: a probe (RFC 5227 2.1.1), answered, nothing to learn */
		return;
	if (in->operation == ARP_REQUEST && in->target == cache->config.address) {
		out->reply = true;
		make_request(cache, in->sender, in->sender_mac, &out->packet);
		out->packet.operation = ARP_REPLY;
	}
}

bool
arp_tick(struct arp_cache *cache, uint64_t now_us, struct arp_packet *request, uint32_t *index,
	 bool *failed)
{
	uint64_t next = UINT64_MAX;
	*failed = false;
	for (uint32_t i = 0; i < ARP_CACHE_MAX; i++) {
		struct arp_entry *entry = &cache->entries[i];
		if (entry->state != ARP_PENDING)
			continue;
		if (entry->next_at_us > now_us) {
			next = entry->next_at_us < next ? entry->next_at_us : next;
			continue;
		}
		*index = i;
		if (entry->requests >= cache->config.requests_max) {
			arp_set_state(entry, ARP_FAILED);
			entry->next_at_us = now_us + cache->config.failed_us;
			*failed = true;
		} else {
			count_request(cache, entry, now_us);
			make_request(cache, entry->address, NULL, request);
		}
		return true;
	}
	cache->tick_at_us = next;
	return false;
}

uint64_t
arp_next_at(const struct arp_cache *cache)
{
	return cache->tick_at_us;
}

bool
arp_add_static(struct arp_cache *cache, uint32_t address, const uint8_t mac[6])
{
	struct arp_entry *entry = find(cache, address);
	if (entry == NULL)
		entry = take(cache, address, true);
	if (entry == NULL)
		return false;
	learn(cache, entry, mac, 0);
	entry->is_static = true;
	entry->next_at_us = UINT64_MAX;
	return true;
}

void
arp_announcement(const struct arp_cache *cache, struct arp_packet *out)
{
	make_request(cache, cache->config.address, NULL, out);
}
