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

void
say_trace(struct world *w, const struct host *h, const struct effect *effect)
{
	if (w->say == NULL)
		return;
	enum cluster_trace trace = (enum cluster_trace)effect->trace;
	char name[16] = "", number[64] = "";
	/* A node that was removed in this very step has no place any more. */
	if (effect->node != NODE_NONE && view_has(h->cluster, effect->node))
		(void)world_name(w, &h->cluster->nodes[effect->node].id, name);
	const char *reason = say_reason(trace, effect->number);
	if (trace == TRACE_REPORT && effect->number < h->cluster->high)
		(void)world_name(w, &h->cluster->nodes[effect->number].id, number);
	else if (reason != NULL)
		(void)snprintf(number, sizeof(number), "%s", reason);
	else if (effect->number != 0)
		(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)effect->number);
	say(w, h, "%s%s%s%s%s", cluster_trace_name(trace), name[0] != '\0' ? " " : "", name,
	    number[0] != '\0' ? " " : "", number);
}

void
say_send(struct world *w, const struct host *h, const struct bus_head *head,
	 const struct effect *effect)
{
	if (w->say == NULL || !w->say_frames || head->type <= BUS_MEET)
		return;
	uint32_t to = net_peer(w, h, effect->link);
	say(w, h, "-> n%u %s epoch %llu", to == HOST_NONE ? 0 : to + 1, bus_type_name(head->type),
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
