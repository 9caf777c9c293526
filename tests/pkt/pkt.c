/* tests/pkt/pkt.c - plays scripts of segments against one TCP machine, in virtual time. The language: tests/pkt/README.md.
 *
 * Every case runs once per pair of initial sequence numbers in `origins`, so that whatever a script does happens across the wrap at
 * 2^32 and at 2^31 too. Beside what a script expects, each run checks tcp_check() after every step, the place of every byte
 * accepted or sent, and that nothing is sent that no line expects.
 *
 *     pkt MACROS SCRIPT...       exit status: 0 all passed, 1 some failed, 2 a script cannot be read
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/inet/tcp_state.h"

#define LINES_MAX    6000
#define LINE_MAX     200
#define OUTBOX_MAX   256
#define SIDES_MAX    4
#define START_US     1000000
#define STREAM_MAX   (1u << 20)
#define TOLERANCE_US 200 /* of a timer against the script's clock */
#define STEPS_MAX    100000

struct line {
	const char *file;
	int number;
	char text[LINE_MAX];
};

struct script {
	struct line lines[LINES_MAX];
	int count;
};

struct sent {
	struct tcp_segment s;
	uint64_t at_us;
	bool retransmit;
};

enum mode { MODE_NOTHING, MODE_LISTEN, MODE_CONNECTION, MODE_TIME_WAIT };

struct player {
	const struct script *script;
	const struct line *line; /* the one being played */
	struct tcp tcp;
	struct tcp_time_wait wait;
	struct tcp_config config;
	struct tcp_side sides[SIDES_MAX];
	struct tcp_side_pool pool;
	enum mode mode;
	tcp_seq iss, irs;
	uint32_t ts_base, peer_ts_base; /* timestamps in a script count from these */
	uint64_t now_us;
	uint32_t written, acked, received, read;
	bool manual_read;
	uint8_t *here; /* STREAM_MAX: 1 accepted */
	struct sent outbox[OUTBOX_MAX];
	unsigned outbox_first, outbox_count;
	uint8_t events;
	enum tcp_drop drop;
	enum tcp_time_wait_answer answer;
	bool failed;
	char why[LINE_MAX * 2];
};

static const tcp_seq origins[][2] = {
	{0,           0          },
	{0xfffffff0u, 0xffffff00u},
	{0x7ffffff0u, 0x7fffff9cu},
	{0xfffffa00u, 0xfffffffeu},
	{0xffffffffu, 0xffffffffu},
};

__attribute__((format(printf, 2, 3))) static void
fail(struct player *p, const char *format, ...)
{
	if (p->failed)
		return;
	p->failed = true;
	int used = snprintf(p->why, sizeof(p->why), "%s:%d: %s\n    ", p->line->file,
			    p->line->number, p->line->text);
	va_list args;
	va_start(args, format);
	vsnprintf(p->why + used, sizeof(p->why) - (size_t)used, format, args);
	va_end(args);
}

/* ---- segments as text ---- */

static const struct {
	char letter;
	uint8_t flag;
} letters[] = {
	{'S', TCP_SYN},
        {'F', TCP_FIN},
        {'R', TCP_RST},
        {'P', TCP_PSH},
	{'.', TCP_ACK},
        {'U', TCP_URG},
        {'-', 0      }
};

static bool
flags_parse(const char *text, uint8_t *flags)
{
	*flags = 0;
	for (; *text != '\0'; text++) {
		size_t i = 0;
		while (i < sizeof(letters) / sizeof(letters[0]) && letters[i].letter != *text)
			i++;
		if (i == sizeof(letters) / sizeof(letters[0]))
			return false;
		*flags |= letters[i].flag;
	}
	return true;
}

static const char *
flags_text(uint8_t flags, char out[8])
{
	size_t n = 0;
	for (size_t i = 0; i + 1 < sizeof(letters) / sizeof(letters[0]); i++)
		if (flags & letters[i].flag)
			out[n++] = letters[i].letter;
	if (n == 0)
		out[n++] = '-';
	out[n] = '\0';
	return out;
}

struct told { /* a segment as a script line tells it; -1: not told */
	struct tcp_segment s;
	long long ack, window;
	bool options;
	bool echo; /* a timestamp's echo is told */
};

/* Moves *at behind a word and a number that stand there; false: they do not, and it stays. */
static bool
scan_number(const char **at, const char *before, long long *value)
{
	size_t len = strlen(before);
	char *end;
	if (strncmp(*at, before, len) != 0 || !isdigit((unsigned char)(*at)[len]))
		return false;
	*value = strtoll(*at + len, &end, 10);
	*at = end;
	return true;
}

static bool
scan_word(const char **at, char *word, size_t size)
{
	size_t len = strcspn(*at, " ");
	if (len == 0 || len >= size)
		return false;
	memcpy(word, *at, len);
	word[len] = '\0';
	*at += len;
	return true;
}

/* "mss N", "wscale N", "sackOK", "TS val N [ecr N]", "sack L:R [L:R ...]"; false: none of them stands there. */
static bool
option_parse(const char **at, struct told *out)
{
	struct tcp_options *o = &out->s.options;
	long long value, right;
	if (scan_number(at, "mss ", &value)) {
		o->mss = (uint16_t)value;
	} else if (scan_number(at, "wscale ", &value)) {
		o->wscale = (uint8_t)value;
	} else if (strncmp(*at, "sackOK", 6) == 0) {
		o->sack_permitted = true;
		*at += 6;
	} else if (scan_number(at, "TS val ", &value)) {
		o->has_timestamp = true;
		o->ts_value = (uint32_t)value;
		out->echo = scan_number(at, " ecr ", &value);
		o->ts_echo = out->echo ? (uint32_t)value : 0;
	} else if (strncmp(*at, "sack ", 5) == 0) {
		*at += 4;
		while (o->sack_count < TCP_SACK_BLOCKS_MAX && scan_number(at, " ", &value) &&
		       scan_number(at, ":", &right)) {
			o->sack[o->sack_count].left = (tcp_seq)value;
			o->sack[o->sack_count++].right = (tcp_seq)right;
		}
		return o->sack_count > 0;
	} else {
		return false;
	}
	return true;
}

/* "FLAGS SEQ:END(LEN) [ack N] [win N] [<OPTION,OPTION>]" */
static bool
segment_parse(const char *text, struct told *out)
{
	char flags[16];
	long long seq, end, len;
	*out = (struct told){.ack = -1, .window = -1};
	out->s.options.wscale = TCP_WSCALE_ABSENT;
	const char *at = text;
	if (!scan_word(&at, flags, sizeof(flags)) || !flags_parse(flags, &out->s.flags) ||
	    !scan_number(&at, " ", &seq) || !scan_number(&at, ":", &end) ||
	    !scan_number(&at, "(", &len) || *at++ != ')' || end - seq != len)
		return false;
	out->s.seq = (tcp_seq)seq;
	out->s.payload_len = (uint16_t)len;
	while (*at != '\0') {
		long long value;
		while (isspace((unsigned char)*at) || *at == ',' || *at == '>' || *at == '<') {
			out->options |= *at == '<';
			at++;
		}
		if (*at == '\0')
			break;
		if (scan_number(&at, "ack ", &value))
			out->ack = value;
		else if (scan_number(&at, "win ", &value))
			out->window = value;
		else if (!option_parse(&at, out))
			return false;
	}
	return true;
}

static const char *
sent_text(const struct player *p, const struct sent *e, char out[LINE_MAX])
{
	char flags[8];
	tcp_seq base = e->s.seq == 0 && (e->s.flags & TCP_RST) ? 0 : p->iss;
	uint32_t seq = e->s.seq - base;
	const struct tcp_options *o = &e->s.options;
	int used = snprintf(out, LINE_MAX, "%s %u:%u(%u) ack %u win %u <mss %u,wscale %u",
			    flags_text(e->s.flags, flags), seq, seq + e->s.payload_len,
			    e->s.payload_len, e->s.flags & TCP_ACK ? e->s.ack - p->irs : 0,
			    e->s.window, o->mss, o->wscale);
	if (o->has_timestamp)
		used += snprintf(out + used, LINE_MAX - (size_t)used, ",TS val %u ecr %u",
				 o->ts_value - p->ts_base, o->ts_echo - p->peer_ts_base);
	for (unsigned i = 0; i < o->sack_count; i++)
		used += snprintf(out + used, LINE_MAX - (size_t)used, " sack %u:%u",
				 o->sack[i].left - p->irs, o->sack[i].right - p->irs);
	snprintf(out + used, LINE_MAX - (size_t)used, "> at %+.6f", (double)e->at_us / 1e6);
	return out;
}

/* ---- the machine and its user ---- */

static void
outbox_put(struct player *p, const struct tcp_segment *s, bool retransmit)
{
	if (p->outbox_count == OUTBOX_MAX) {
		fail(p, "more than %d segments without a line for them", OUTBOX_MAX);
		return;
	}
	unsigned at = (p->outbox_first + p->outbox_count++) % OUTBOX_MAX;
	p->outbox[at] = (struct sent){.s = *s, .at_us = p->now_us, .retransmit = retransmit};
}

static void
output(struct player *p)
{
	struct tcp_emit emit;
	if (p->mode != MODE_CONNECTION)
		return;
	if (!p->manual_read)
		p->read = p->received;
	tcp_set_unread(&p->tcp, p->received - p->read);
	while (!p->failed &&
	       tcp_output(&p->tcp, p->written - p->acked, p->now_us, &emit, &p->events)) {
		const struct tcp_segment *s = &emit.head;
		if (s->payload_len > 0 && p->iss + 1 + p->acked + emit.from != s->seq)
			fail(p, "sent from offset %u, which is not sequence number %u", emit.from,
			     s->seq - p->iss);
		if (emit.from + s->payload_len > p->written - p->acked)
			fail(p, "sent bytes that were never written");
		outbox_put(p, s, emit.retransmit);
	}
	tcp_check(&p->tcp);
}

/* Let time pass until until_us; with stop, only until something is sent. */
static void
run_until(struct player *p, uint64_t until_us, bool stop)
{
	for (int step = 0; !p->failed; step++) {
		if (stop && p->outbox_count > 0)
			return;
		uint64_t at = p->mode == MODE_CONNECTION ? tcp_next_at(&p->tcp) : TCP_NEVER;
		if (at > until_us)
			break;
		if (at > p->now_us)
			p->now_us = at;
		output(p);
		if (step > STEPS_MAX)
			fail(p, "a deadline in the past that stays");
	}
	if (!(stop && p->outbox_count > 0))
		p->now_us = until_us;
}

static void
accepted(struct player *p, const struct tcp_segment *s, const struct tcp_accept *a)
{
	p->events |= a->events;
	p->acked += a->acked;
	if (a->take > 0 && p->irs + 1 + p->received + a->at != s->seq + a->skip)
		fail(p, "accepted bytes do not stand where it says");
	for (uint32_t i = 0; i < a->take; i++) {
		uint32_t at = p->received + a->at + i;
		if (at >= STREAM_MAX || p->here[at])
			fail(p, "byte %u accepted twice", at);
		else
			p->here[at] = 1;
	}
	for (uint32_t i = 0; i < a->ready; i++)
		if (!p->here[p->received + i])
			fail(p, "byte %u is ready but was never kept", p->received + i);
	p->received += a->ready;
}

static void
input(struct player *p, const struct tcp_segment *s)
{
	struct tcp_accept accept;
	struct tcp_segment reply;
	switch (p->mode) {
	case MODE_LISTEN:
		p->mode = MODE_CONNECTION;
		tcp_open_passive(&p->tcp, &p->config, s, p->iss, p->now_us);
		tcp_set_ts_offset(&p->tcp, p->ts_base - (uint32_t)(START_US / 1000));
		break;
	case MODE_NOTHING:
		if (tcp_reset_for(s, &reply))
			outbox_put(p, &reply, false);
		break;
	case MODE_TIME_WAIT:
		p->answer = tcp_time_wait_input(&p->wait, &p->config, s, p->now_us, &reply);
		if (p->answer == TCP_TIME_WAIT_ACK)
			outbox_put(p, &reply, false);
		break;
	case MODE_CONNECTION:
		p->drop = tcp_input(&p->tcp, s, p->now_us, &accept);
		accepted(p, s, &accept);
		tcp_check(&p->tcp);
		break;
	}
}

/* ---- lines ---- */

static void
play_in(struct player *p, const char *text, bool burst)
{
	struct told told;
	if (!segment_parse(text, &told)) {
		fail(p, "cannot read this segment");
		return;
	}
	struct tcp_segment *s = &told.s;
	s->seq += p->irs;
	if (told.ack >= 0)
		s->ack = p->iss + (tcp_seq)told.ack;
	s->options.ts_value += p->peer_ts_base;
	s->options.ts_echo = told.echo ? s->options.ts_echo + p->ts_base : 0;
	for (unsigned i = 0; i < s->options.sack_count; i++) {
		s->options.sack[i].left += p->iss;
		s->options.sack[i].right += p->iss;
	}
	s->window = (uint16_t)(told.window >= 0 ? told.window : 0);
	input(p, s);
	if (!burst)
		output(p);
}

/* Of a SYN they are compared if any is told. A timestamp goes without saying once it was agreed on: only its numbers are told. */
static bool
same_options(const struct player *p, const struct tcp_segment *s, const struct told *told)
{
	const struct tcp_options *o = &s->options, *t = &told->s.options;
	bool syn = (s->flags & TCP_SYN) != 0;
	if (syn && !told->options)
		return true;
	bool agreed = p->mode == MODE_TIME_WAIT ? p->wait.timestamps
						: (p->tcp.marks & TCP_MARK_TIMESTAMPS) != 0;
	bool timestamp = syn ? t->has_timestamp : agreed && (s->flags & TCP_RST) == 0;
	bool same = o->mss == t->mss && o->wscale == t->wscale && o->has_timestamp == timestamp &&
		    o->sack_permitted == t->sack_permitted && o->sack_count == t->sack_count;
	for (unsigned i = 0; i < o->sack_count && same; i++)
		same = o->sack[i].left - p->irs == t->sack[i].left &&
		       o->sack[i].right - p->irs == t->sack[i].right;
	if (t->has_timestamp)
		same = same && o->ts_value - p->ts_base == t->ts_value;
	if (told->echo)
		same = same &&
		       (o->ts_echo - p->peer_ts_base == t->ts_echo || (syn && o->ts_echo == 0));
	return same;
}

/* What the answer to a stranger counts from: nothing (reset_for), or our numbers. */
static void
compare(struct player *p, const struct sent *e, const struct told *told)
{
	const struct tcp_segment *s = &e->s;
	char text[LINE_MAX];
	bool from_zero = s->seq == 0 && (s->flags & TCP_RST) && p->mode == MODE_NOTHING;
	bool same = s->flags == told->s.flags && s->payload_len == told->s.payload_len &&
		    s->seq - (from_zero ? 0 : p->iss) == told->s.seq;
	if (told->ack >= 0)
		same = same && s->ack - p->irs == (uint32_t)told->ack;
	if (told->window >= 0)
		same = same && s->window == told->window;
	if (!same || !same_options(p, s, told))
		fail(p, "sent instead: %s", sent_text(p, e, text));
}

static void
play_out(struct player *p, const char *text, uint64_t due_us)
{
	struct told told;
	if (!segment_parse(text, &told)) {
		fail(p, "cannot read this segment");
		return;
	}
	run_until(p, due_us + TOLERANCE_US, true);
	if (p->outbox_count == 0) {
		fail(p, "nothing was sent");
		return;
	}
	const struct sent *e = &p->outbox[p->outbox_first];
	p->outbox_first = (p->outbox_first + 1) % OUTBOX_MAX;
	p->outbox_count--;
	if (e->at_us + TOLERANCE_US < due_us)
		fail(p, "sent %.6f s too early", (double)(due_us - e->at_us) / 1e6);
	compare(p, e, &told);
}

static const struct {
	const char *name;
	uint8_t event;
} event_names[] = {
	{"established", TCP_EVENT_ESTABLISHED},
	{"fin",         TCP_EVENT_FIN        },
	{"acked",       TCP_EVENT_ACKED      },
	{"reset",       TCP_EVENT_RESET      },
	{"refused",     TCP_EVENT_REFUSED    },
	{"timeout",     TCP_EVENT_TIMEOUT    },
	{"closed",      TCP_EVENT_CLOSED     }
};

/* "event a b": exactly these since the last such line; "event none". ACKED is only looked at when named. */
static void
play_event(struct player *p, const char *text)
{
	uint8_t expected = 0;
	for (size_t i = 0; i < sizeof(event_names) / sizeof(event_names[0]); i++)
		if (strstr(text, event_names[i].name) != NULL)
			expected |= event_names[i].event;
	uint8_t seen = p->events;
	if ((expected & TCP_EVENT_ACKED) == 0)
		seen &= (uint8_t)~TCP_EVENT_ACKED;
	if (seen != expected)
		fail(p, "events are %#x, not %#x", seen, expected);
	p->events = 0;
}

static void
play_set(struct player *p, const char *text)
{
	char key[40];
	long long value;
	struct tcp_config *c = &p->config;
	if (!scan_word(&text, key, sizeof(key)) || !scan_number(&text, " ", &value)) {
		fail(p, "set NAME VALUE");
		return;
	}
	const struct {
		const char *name;
		void *at;
		size_t size;
	} fields[] = {
#define FIELD(name) {#name, &c->name, sizeof(c->name)}
		FIELD(mss),
		FIELD(wscale),
		FIELD(rcv_buffer),
		FIELD(ooo_ranges_max),
		FIELD(rto_min_us),
		FIELD(rto_initial_us),
		FIELD(rto_max_us),
		FIELD(delayed_ack_us),
		FIELD(time_wait_us),
		FIELD(fin_wait_2_us),
		FIELD(keepalive_us),
		FIELD(keepalive_interval_us),
		FIELD(keepalive_probes),
		FIELD(syn_retries),
		FIELD(retries),
		FIELD(nagle),
		FIELD(timestamps),
		FIELD(sack),
		FIELD(peer_delay_us),
#undef FIELD
	};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(fields[i].name, key) == 0) {
			memcpy(fields[i].at, &value, fields[i].size); /* little endian */
			return;
		}
	fail(p, "no such option");
}

static void
play_next(struct player *p, const char *text)
{
	uint64_t at = tcp_next_at(&p->tcp);
	char *end;
	double seconds = strtod(text, &end);
	if (strcmp(text, "never") == 0) {
		if (at != TCP_NEVER)
			fail(p, "due in %.6f s", (double)(int64_t)(at - p->now_us) / 1e6);
	} else if (end != text) {
		double due = at == TCP_NEVER ? -1 : (double)(int64_t)(at - p->now_us) / 1e6;
		if (due < seconds - 0.0005 || due > seconds + 0.0005)
			fail(p, "due in %.6f s", due);
	} else {
		fail(p, "next SECONDS | never");
	}
}

static void
play_expect(struct player *p, const char *word, const char *rest)
{
	static const char *const answers[] = {"drop", "ack", "reopen", "end"};
	unsigned long value = strtoul(rest, NULL, 10);
	if (strcmp(word, "state") == 0) {
		const char *name =
			p->mode == MODE_TIME_WAIT ? "TIME-WAIT" : tcp_state_name(p->tcp.state);
		if (strcmp(rest, name) != 0)
			fail(p, "the state is %s", name);
	} else if (strcmp(word, "drop") == 0) {
		if (strcmp(rest, tcp_drop_name(p->drop)) != 0)
			fail(p, "it was \"%s\"", tcp_drop_name(p->drop));
	} else if (strcmp(word, "answer") == 0) {
		if (strcmp(rest, answers[p->answer]) != 0)
			fail(p, "the answer was \"%s\"", answers[p->answer]);
	} else if (strcmp(word, "received") == 0) {
		if (p->received != value)
			fail(p, "received %u", p->received);
	} else if (strcmp(word, "acked") == 0) {
		if (p->acked != value)
			fail(p, "acknowledged %u", p->acked);
	} else if (strcmp(word, "event") == 0) {
		play_event(p, rest);
	} else if (strcmp(word, "next") == 0) {
		play_next(p, rest);
	} else if (strcmp(word, "nothing") != 0) {
		fail(p, "unknown word");
	}
}

static bool
play_user(struct player *p, const char *word, const char *rest)
{
	unsigned long value = strtoul(rest, NULL, 10);
	if (strcmp(word, "listen") == 0) {
		p->mode = MODE_LISTEN;
	} else if (strcmp(word, "connect") == 0) {
		p->mode = MODE_CONNECTION;
		tcp_open_active(&p->tcp, &p->config, p->iss, p->now_us);
		tcp_set_ts_offset(&p->tcp, p->ts_base - (uint32_t)(START_US / 1000));
	} else if (strcmp(word, "write") == 0) {
		p->written += (uint32_t)value;
	} else if (strcmp(word, "write&") == 0) {
		p->written += (uint32_t)value;
		return true;
	} else if (strcmp(word, "read") == 0) {
		p->manual_read = strcmp(rest, "auto") != 0;
		p->read += (uint32_t)value;
		if (p->read > p->received)
			fail(p, "only %u bytes are there", p->received);
	} else if (strcmp(word, "close") == 0) {
		tcp_close(&p->tcp, p->now_us);
	} else if (strcmp(word, "orphan") == 0) {
		tcp_orphan(&p->tcp, p->now_us);
	} else if (strcmp(word, "abort") == 0) {
		tcp_abort(&p->tcp);
	} else if (strcmp(word, "toobig") == 0) {
		char *end;
		tcp_seq seq = p->iss + (tcp_seq)strtoul(rest, &end, 10);
		tcp_path_mtu(&p->tcp, (uint16_t)strtoul(end, NULL, 10), seq, p->now_us);
	} else if (strcmp(word, "park") == 0) { /* as the stack does with TIME-WAIT */
		tcp_time_wait_from(&p->tcp, p->now_us, &p->wait);
		p->mode = MODE_TIME_WAIT;
	} else {
		return false;
	}
	output(p);
	return true;
}

static void play_macro(struct player *p, const char *name, int depth);

static void
play_line(struct player *p, const struct line *line, int depth)
{
	char word[40], *end;
	double seconds = 0;
	const char *text = line->text;
	p->line = line;
	if (*text == '+') {
		seconds = strtod(text + 1, &end);
		text = end + strspn(end, " ");
	}
	uint64_t due_us = p->now_us + (uint64_t)(seconds * 1e6 + 0.5);
	const char *rest = text;
	if (!scan_word(&rest, word, sizeof(word))) {
		fail(p, "cannot read this line");
		return;
	}
	rest += strspn(rest, " ");
	if (strcmp(word, ">") == 0) {
		play_out(p, rest, due_us);
		return;
	}
	/* A line without a time and without an effect may look back while segments wait for their lines. */
	static const char *const looks = " state drop answer received acked event next ";
	char padded[44];
	snprintf(padded, sizeof(padded), " %s ", word);
	if (text == line->text && strstr(looks, padded) != NULL) {
		play_expect(p, word, rest);
		return;
	}
	run_until(p, due_us, false);
	if (p->outbox_count > 0) {
		char sent[LINE_MAX];
		fail(p, "before this line was sent: %s",
		     sent_text(p, &p->outbox[p->outbox_first], sent));
	} else if (strcmp(word, "<") == 0 || strcmp(word, "<&") == 0) {
		play_in(p, rest, word[1] == '&');
	} else if (strcmp(word, "use") == 0) {
		play_macro(p, rest, depth + 1);
	} else if (strcmp(word, "set") == 0) {
		play_set(p, rest);
	} else if (!play_user(p, word, rest)) {
		play_expect(p, word, rest);
	}
}

/* Lines from just behind `at` up to the next heading. */
static void
play_block(struct player *p, int at, int depth)
{
	const struct script *script = p->script;
	for (int i = at + 1; i < script->count && !p->failed; i++) {
		const char *text = script->lines[i].text;
		if (strncmp(text, "case ", 5) == 0 || strncmp(text, "macro ", 6) == 0)
			return;
		play_line(p, &script->lines[i], depth);
	}
}

static void
play_macro(struct player *p, const char *name, int depth)
{
	for (int i = 0; i < p->script->count && depth < 8; i++) {
		const char *text = p->script->lines[i].text;
		if (strncmp(text, "macro ", 6) == 0 && strcmp(text + 6, name) == 0) {
			play_block(p, i, depth);
			return;
		}
	}
	fail(p, "no such macro, or nested too deeply");
}

static bool
play_case(const struct script *script, int at, struct player *p, size_t origin)
{
	uint8_t *here = p->here;
	memset(p, 0, sizeof(*p));
	memset(here, 0, STREAM_MAX);
	p->here = here;
	p->script = script;
	p->line = &script->lines[at];
	p->iss = origins[origin][0];
	p->irs = origins[origin][1];
	p->ts_base = p->irs + 5000;
	p->peer_ts_base = p->iss + 7000;
	p->now_us = START_US;
	tcp_config_defaults(&p->config, 1500);
	p->config.delayed_ack_us = 0;
	p->config.sides = &p->pool;
	tcp_side_pool_init(&p->pool, p->sides, SIDES_MAX);
	play_block(p, at, 0);
	if (!p->failed && p->outbox_count > 0) {
		char text[LINE_MAX];
		fail(p, "sent at the end: %s", sent_text(p, &p->outbox[p->outbox_first], text));
	}
	if (p->failed)
		printf("FAIL %s (iss %#x, irs %#x)\n    %s\n", script->lines[at].text + 5, p->iss,
		       p->irs, p->why);
	return !p->failed;
}

static bool
script_load(struct script *script, const char *path)
{
	FILE *file = fopen(path, "r");
	char text[LINE_MAX];
	if (file == NULL) {
		perror(path);
		return false;
	}
	for (int number = 1; fgets(text, sizeof(text), file) != NULL; number++) {
		char *comment = strchr(text, '#');
		if (comment != NULL)
			*comment = '\0';
		size_t len = strlen(text), from = strspn(text, " \t");
		while (len > from && isspace((unsigned char)text[len - 1]))
			text[--len] = '\0';
		if (len <= from)
			continue;
		if (script->count == LINES_MAX) {
			fprintf(stderr, "%s: too many lines\n", path);
			fclose(file);
			return false;
		}
		struct line *line = &script->lines[script->count++];
		line->file = path;
		line->number = number;
		memcpy(line->text, text + from, len - from + 1);
	}
	fclose(file);
	return true;
}

static int
play_all(struct script *script, struct player *player, int argc, char **argv)
{
	unsigned cases = 0, failed = 0;
	for (int i = 1; i < argc; i++)
		if (!script_load(script, argv[i]))
			return 2;
	for (int i = 0; i < script->count; i++) {
		if (strncmp(script->lines[i].text, "case ", 5) != 0)
			continue;
		cases++;
		bool passed = true;
		for (size_t o = 0; o < sizeof(origins) / sizeof(origins[0]) && passed; o++)
			passed = play_case(script, i, player, o);
		failed += !passed;
	}
	printf("%u cases, %u failed\n", cases, failed);
	return cases == 0 ? 2 : failed != 0;
}

int
main(int argc, char **argv)
{
	struct script *script = calloc(1, sizeof(*script));
	struct player *player = calloc(1, sizeof(*player));
	uint8_t *here = malloc(STREAM_MAX);
	int result = 2;
	if (script != NULL && player != NULL && here != NULL) {
		player->here = here;
		result = play_all(script, player, argc, argv);
	}
	free(here);
	free(player);
	free(script);
	return result;
}
