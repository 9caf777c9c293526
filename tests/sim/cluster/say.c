/* tests/sim/cluster/say.c - see say.h. */
#include "tests/sim/cluster/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cluster/ballot.h"
#include "cluster/election.h"
#include "cluster/health.h"
#include "cluster/manual.h"
#include "cluster/step.h"

void
say(struct world *w, const struct host *h, const char *format, ...)
{
	if (w->say == NULL)
		return;
	char text[WORLD_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	world_say(w, "%4llu.%03llu n%u %s", (unsigned long long)(w->now_us / 1000000),
		  (unsigned long long)(w->now_us / 1000 % 1000), h->index + 1, text);
}

const char *
say_reason(enum cluster_trace trace, uint64_t number)
{
	if (trace == TRACE_BALLOT_REFUSED)
		return number < BALLOT_COUNT ? ballot_name((enum ballot)number) : NULL;
	if (trace == TRACE_ELECTION_REFUSED)
		return number < ELECTION_REFUSAL_COUNT
			       ? election_refusal_name((enum election_refusal)number)
			       : NULL;
	if (trace == TRACE_VOTE_IGNORED)
		return number < VOTE_IGNORED_COUNT ? vote_ignored_name((enum vote_ignored)number)
						   : NULL;
	if (trace == TRACE_MANUAL_ENDED)
		return number < MANUAL_END_COUNT ? manual_end_name((enum manual_end)number) : NULL;
	if (trace == TRACE_STATE_FAIL)
		return number < HEALTH_REASON_COUNT ? health_reason_name((enum health_reason)number)
						    : NULL;
	if (trace == TRACE_MESSAGE_REFUSED)
		return number < MESSAGE_REFUSAL_COUNT
			       ? message_refusal_name((enum message_refusal)number)
			       : NULL;
	return NULL;
}

/* What number means with this trace, as a word or two; empty: nothing. */
static void
say_number(const struct world *w, const struct host *h, const struct effect *effect, char *text,
	   size_t size)
{
	const struct cluster *c = h->cluster;
	enum cluster_trace trace = (enum cluster_trace)effect->trace;
	const char *reason = say_reason(trace, effect->number);
	bool is_node =
		trace == TRACE_REPORT || trace == TRACE_FAIL_TOLD || trace == TRACE_UPDATE_SENT;
	char name[16] = "";
	text[0] = '\0';
	if (trace == TRACE_ROLE_CHANGED) {
		const struct node *node = effect->node != NODE_NONE && view_has(c, effect->node)
						  ? &c->nodes[effect->node]
						  : NULL;
		if (node != NULL && node->primary != NODE_NONE)
			(void)snprintf(text, size, "replica of %s",
				       world_name(w, &c->nodes[node->primary].id, name));
		else
			(void)snprintf(text, size, "primary");
	} else if (is_node && effect->number < c->high) {
		(void)snprintf(text, size, "%s%s", trace == TRACE_UPDATE_SENT ? "about " : "by ",
			       world_name(w, &c->nodes[effect->number].id, name));
	} else if (reason != NULL) {
		(void)snprintf(text, size, "%s", reason);
	} else if (effect->number != 0) {
		(void)snprintf(text, size, "%llu", (unsigned long long)effect->number);
	}
}

void
say_trace(struct world *w, const struct host *h, const struct effect *effect)
{
	if (w->say == NULL)
		return;
	char name[16] = "", number[64];
	/* A node that was removed in this very step has no place any more. */
	if (effect->node != NODE_NONE && view_has(h->cluster, effect->node))
		(void)world_name(w, &h->cluster->nodes[effect->node].id, name);
	say_number(w, h, effect, number, sizeof(number));
	say(w, h, "%s%s%s%s%s", cluster_trace_name((enum cluster_trace)effect->trace),
	    name[0] != '\0' ? " " : "", name, number[0] != '\0' ? " " : "", number);
}

void
say_send(struct world *w, const struct host *h, const struct bus_head *head,
	 const struct effect *effect)
{
	if (w->say == NULL || !w->say_frames || head->type <= BUS_MEET)
		return;
	uint32_t to = net_peer(w, h, effect->link);
	if (to == HOST_NONE)
		return; /* the connection ended while the frame waited */
	say(w, h, "-> n%u %s epoch %llu", to + 1, bus_type_name(head->type),
	    (unsigned long long)head->current_epoch);
}

void
say_effect(struct world *w, const struct host *h, const struct effect *effect)
{
	if (w->say == NULL || effect->kind == EFFECT_SLOTS)
		return;
	if (effect->kind == EFFECT_DROP_SLOT)
		say(w, h, "drops the keys of slot %u", effect->slot);
	else if (effect->kind == EFFECT_DROP_ALL)
		say(w, h, "drops all keys");
	else if (effect->kind == EFFECT_NEW_HISTORY)
		say(w, h, "begins a new replication history");
}
