/* SPDX-License-Identifier: BSD-3-Clause */
/* text_harness.c - see text_harness.h. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "seed.h"
#include "text_harness.h"

static uint8_t texts[2][TEXT_MAX];

static const uint8_t *
text(int which)
{
	struct seed s = {.state = (uint64_t)which};

	if (texts[which][0] == 0) {
		seed_fill(&s, texts[which], TEXT_MAX);
		texts[which][0] = (uint8_t)(which + 1);
	}
	return texts[which];
}

const uint8_t *
text_pattern(void)
{
	return text(0);
}

const uint8_t *
text_other(void)
{
	return text(1);
}

void
text_of_write(const uint8_t *bytes, uint32_t length)
{
	size_t i;

	for (i = 0; i < w.step_count; i++) {
		if (w.steps[i].call == SCRIPT_WRITE && w.steps[i].text == NULL) {
			w.steps[i].text = bytes;
			w.steps[i].arg = length;
			return;
		}
	}
	FAIL("no write @ is left");
}

struct text_reader *
text_reader(const struct stack_peer *peer, const uint8_t *want, uint32_t length)
{
	static struct text_reader readers[4];
	static unsigned int turn;
	struct text_reader *r = &readers[turn++ % COUNT(readers)];

	memset(r, 0, sizeof(*r));
	r->peer = *peer;
	r->first = peer->ack;
	r->want = want;
	r->length = length;
	r->fin_at = UINT32_MAX;
	TRUE(length <= TEXT_MAX);
	return r;
}

void
text_look(struct text_reader *r, const struct stack_sent *sent)
{
	uint32_t at = sent->segment.seq - r->first;
	uint32_t i;

	if ((sent->segment.flags & ~(PSH | FIN)) != ACK)
		FAIL("came %s", story_flags(sent->segment.flags));
	/* RFC 7323 4.3 (2): what begins no later than what was acknowledged is echoed. */
	if (seq_le(sent->segment.seq, text_ack(r)) && seq_gt(sent->segment.tsval, r->peer.tsecr))
		r->peer.tsecr = sent->segment.tsval;
	if (sent->segment.text > 0) {
		if (at > r->length || sent->segment.text > r->length - at)
			FAIL("text %u..%u of %u came", at, at + sent->segment.text, r->length);
		for (i = 0; i < sent->segment.text; i++)
			if (sent->text[i] != r->want[at + i])
				FAIL("byte %u is %u and should be %u", at + i, sent->text[i],
				     r->want[at + i]);
		memset(r->seen + at, 1, sent->segment.text);
		if (at + sent->segment.text > r->most)
			r->most = at + sent->segment.text;
	}
	if (sent->segment.flags & FIN) {
		SAME(r->length, at + sent->segment.text);
		r->fin_at = r->length;
	}
	while (r->taken < r->length && r->seen[r->taken])
		r->taken++;
	r->fin = r->taken == r->fin_at;
}

unsigned int
text_take(struct text_reader *r)
{
	const struct stack_sent *sent;
	unsigned int count = 0;

	for (; (sent = stack_take(&r->peer)) != NULL; count++)
		text_look(r, sent);
	return count;
}

uint32_t
text_ack(const struct text_reader *r)
{
	return r->first + r->taken + r->fin;
}

void
text_send_ack(struct text_reader *r)
{
	r->peer.ack = text_ack(r);
	RX(&r->peer, ACK, .seq = r->peer.seq, .ack = r->peer.ack);
}

void
text_read(struct text_reader *r)
{
	while (text_take(r)) {
		text_send_ack(r);
		BURST();
	}
}

uint32_t
call_place(const struct stack_peer *p)
{
	struct stack_connection c;
	uint32_t i;

	for (i = 0; i < stack_places(w.s); i++)
		if (stack_connection_at(w.s, i, &c) && ntohs(flow_rport(&c.flow)) == p->port)
			return i;
	FAIL("no connection of port %u", p->port);
}

const char *
call_by_hand(const struct stack_peer *p, const char *text)
{
	struct script_step *step = malloc(sizeof(*step));
	char *copy = strdup(text);
	char error[200] = "";
	const char *refusal;

	story_tell("            call %u: %s\n", p->port, text);
	memset(step, 0xee, sizeof(*step));
	if (script_compile_call(copy, step, error, sizeof(error)) < 0)
		FAIL("the test's own call: %s", error);
	refusal = stack_call(w.s, call_place(p), step, w.now);
	memset(copy, 'X', strlen(copy));
	free(copy);
	memset(step, 0xee, sizeof(*step));
	free(step);
	story_tell("            %s\n", refusal ? refusal : "made");
	BURST();
	return refusal;
}
