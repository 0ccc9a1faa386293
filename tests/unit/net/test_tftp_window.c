/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "net/tftp/window.h"

/* Sends all blocks that may be sent; returns how many. */
static unsigned pump(struct tftp_window *w, uint64_t now_ms)
{
    unsigned n = 0;
    uint64_t block;
    while ((block = tftp_window_next(w)) != 0) {
        tftp_window_sent(w, block, now_ms);
        n++;
    }
    return n;
}

static struct tftp_window begun(uint32_t size, uint64_t last)
{
    struct tftp_window w;
    tftp_window_init(&w, size, 0, false, 0);
    w.last = last;
    return w;
}

static void one_block_at_a_time(void **state)
{
    (void)state;
    struct tftp_window w = begun(1, 3);
    for (uint16_t i = 1; i <= 3; i++) {
        assert_int_equal(tftp_window_next(&w), i);
        assert_int_equal(pump(&w, i), 1);
        assert_int_equal(tftp_window_ack(&w, i, i), i < 3 ? WINDOW_SEND : WINDOW_DONE);
    }
    assert_int_equal(w.resent, 0);
}

static void options_wait_for_their_acknowledgement(void **state)
{
    (void)state;
    struct tftp_window w;
    tftp_window_init(&w, 4, 0, true, 0);
    assert_int_equal(tftp_window_next(&w), 0);
    assert_int_equal(tftp_window_ack(&w, 1, 1), WINDOW_IGNORE);
    assert_int_equal(tftp_window_timeout(&w, w.deadline_ms - 1), WINDOW_IGNORE);
    assert_int_equal(tftp_window_timeout(&w, w.deadline_ms), WINDOW_SEND);
    assert_true(w.negotiating);
    assert_int_equal(tftp_window_ack(&w, 0, 1500), WINDOW_SEND);
    assert_int_equal(pump(&w, 1500), 4);
    assert_int_equal(tftp_window_ack(&w, 0, 1501), WINDOW_IGNORE); /* a copy */
}

static void copies_are_never_answered(void **state)
{
    (void)state;
    struct tftp_window w = begun(1, 10);
    pump(&w, 0);
    assert_int_equal(tftp_window_ack(&w, 1, 1), WINDOW_SEND);
    pump(&w, 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(tftp_window_ack(&w, 1, 2), WINDOW_IGNORE);
    assert_int_equal(tftp_window_next(&w), 0);
    assert_int_equal(tftp_window_ack(&w, 9, 2), WINDOW_IGNORE); /* never sent */
    assert_int_equal(tftp_window_ack(&w, 2, 2), WINDOW_SEND);
    assert_int_equal(tftp_window_ack(&w, 1, 2), WINDOW_IGNORE); /* late */
}

static void goes_back_to_what_was_lost(void **state)
{
    (void)state;
    struct tftp_window w = begun(8, 20);
    assert_int_equal(pump(&w, 0), 8);
    assert_int_equal(tftp_window_ack(&w, 3, 1), WINDOW_SEND);
    assert_int_equal(tftp_window_next(&w), 4);
    assert_int_equal(pump(&w, 1), 8); /* 4 to 11 */
    assert_int_equal(w.resent, 5);
    assert_int_equal(tftp_window_ack(&w, 11, 2), WINDOW_SEND);
    assert_int_equal(pump(&w, 2), 8);
    assert_int_equal(tftp_window_timeout(&w, w.deadline_ms), WINDOW_SEND);
    assert_int_equal(tftp_window_next(&w), 12);
    tftp_window_sent(&w, 12, 3);
    assert_int_equal(tftp_window_ack(&w, 19, 3), WINDOW_SEND); /* all had arrived, late */
    assert_int_equal(tftp_window_next(&w), 20);
    assert_int_equal(pump(&w, 3), 1);
    assert_int_equal(tftp_window_ack(&w, 20, 4), WINDOW_DONE);
}

static void numbers_roll_over_to_0(void **state)
{
    (void)state;
    const uint64_t last = 3 * 65536 + 7;
    struct tftp_window w = begun(16, last);
    uint64_t acked = 0;
    while (acked < last) {
        acked += pump(&w, 0);
        assert_int_equal(tftp_window_ack(&w, (uint16_t)acked, 0),
                         acked < last ? WINDOW_SEND : WINDOW_DONE);
    }
    assert_int_equal(w.acked, last);
    assert_int_equal(w.resent, 0);
}

static void a_lost_block_at_the_roll_over(void **state)
{
    (void)state;
    struct tftp_window w = begun(8, 70000);
    w.acked = w.sent = w.furthest = 65530;
    assert_int_equal(pump(&w, 0), 8); /* 65531 to 65538 */
    assert_int_equal(tftp_window_ack(&w, 65529, 0), WINDOW_IGNORE);
    assert_int_equal(tftp_window_ack(&w, 3, 0), WINDOW_IGNORE);
    assert_int_equal(tftp_window_ack(&w, 0, 0), WINDOW_SEND); /* block 65536 */
    assert_int_equal(w.acked, 65536);
    assert_int_equal(tftp_window_next(&w), 65537);
}

/* How many blocks are sent before the peer is given up. */
static unsigned sent_in_vain(struct tftp_window *w, unsigned *ret_options)
{
    enum tftp_window_verdict v = WINDOW_SEND;
    unsigned blocks = 0;
    *ret_options = 0;
    while (v == WINDOW_SEND) {
        *ret_options += w->negotiating;
        blocks += pump(w, w->deadline_ms);
        v = tftp_window_timeout(w, w->deadline_ms);
    }
    assert_int_equal(v, WINDOW_LOST);
    return blocks;
}

static void two_packets_to_a_peer_that_never_answers(void **state)
{
    const uint32_t timeouts_s[] = {0, 1, 3, 255};
    struct tftp_window w;
    unsigned options;
    (void)state;
    for (size_t i = 0; i < sizeof(timeouts_s) / sizeof(timeouts_s[0]); i++) {
        tftp_window_init(&w, 1, timeouts_s[i], false, 0);
        w.last = 10;
        assert_int_equal(sent_in_vain(&w, &options), 2);
        assert_int_equal(w.furthest, 1);
        tftp_window_init(&w, 16, timeouts_s[i], true, 0);
        w.last = 100;
        assert_int_equal(sent_in_vain(&w, &options), 0);
        assert_int_equal(options, 2);
    }
}

static void acknowledgements_outside_of_the_window(void **state)
{
    (void)state;
    struct tftp_window w;
    tftp_window_init(&w, 4, 0, true, 0);
    w.last = 100;
    assert_int_equal(tftp_window_ack(&w, 4, 0), WINDOW_IGNORE);
    assert_int_equal(tftp_window_ack(&w, 65535, 0), WINDOW_IGNORE);
    assert_false(w.heard);
    assert_int_equal(w.stray, 2);
    assert_int_equal(tftp_window_ack(&w, 0, 0), WINDOW_SEND);
    pump(&w, 0);
    assert_int_equal(tftp_window_ack(&w, 5, 0), WINDOW_IGNORE);
    assert_int_equal(tftp_window_ack(&w, 65535, 0), WINDOW_IGNORE);
    assert_int_equal(tftp_window_ack(&w, 0, 0), WINDOW_IGNORE); /* a copy is nothing strange */
    assert_int_equal(w.stray, 4);
    assert_int_equal(tftp_window_next(&w), 0);
    assert_int_equal(tftp_window_ack(&w, 4, 0), WINDOW_SEND);
}

static void gives_up_after_a_while(void **state)
{
    struct {
        bool heard;
        uint64_t least_ms, most_ms;
    } cases[] = {{false, 5000, 20000}, {true, 10000, 60000}};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct tftp_window w = begun(1, 10);
        pump(&w, 0);
        if (cases[i].heard)
            tftp_window_ack(&w, 1, 0);
        enum tftp_window_verdict v = WINDOW_SEND;
        uint64_t now = 0, step = 0, longest = 0;
        while (v == WINDOW_SEND) {
            pump(&w, now);
            assert_true(w.deadline_ms - now >= step); /* more patient each time */
            step = w.deadline_ms - now;
            longest = step > longest ? step : longest;
            now = w.deadline_ms;
            v = tftp_window_timeout(&w, now);
        }
        assert_int_equal(v, WINDOW_LOST);
        assert_in_range(now, cases[i].least_ms, cases[i].most_ms);
        assert_true(longest > 5000); /* atftp wants that much silence */
    }
}

static void the_peer_may_choose_the_timeout(void **state)
{
    (void)state;
    struct tftp_window w;
    tftp_window_init(&w, 1, 3, false, 100);
    w.last = 5;
    assert_int_equal(w.deadline_ms, 3100);
    pump(&w, 100);
    tftp_window_ack(&w, 1, 100);
    for (int i = 0; i < 3; i++) {
        uint64_t now = w.deadline_ms;
        pump(&w, now);
        assert_int_equal(w.deadline_ms, now + 3000);
        assert_int_equal(tftp_window_timeout(&w, w.deadline_ms), WINDOW_SEND);
    }
}

static void learns_how_quick_the_peer_is(void **state)
{
    (void)state;
    struct tftp_window w = begun(1, 100);
    pump(&w, 0);
    assert_int_equal(w.deadline_ms, 1000);
    tftp_window_ack(&w, 1, 2);
    pump(&w, 2);
    assert_int_equal(w.deadline_ms, 202); /* never below that */
    struct tftp_window slow = begun(1, 100);
    pump(&slow, 0);
    tftp_window_ack(&slow, 1, 399);
    pump(&slow, 400);
    assert_int_equal(slow.deadline_ms, 2000);
    /* A block that was sent twice is not timed. */
    tftp_window_timeout(&slow, 2000);
    pump(&slow, 2000);
    tftp_window_ack(&slow, 2, 2001);
    pump(&slow, 2001);
    assert_int_equal(slow.deadline_ms, 3601);
}

static void an_unknown_end(void **state)
{
    (void)state;
    struct tftp_window w = begun(4, UINT64_MAX);
    assert_int_equal(pump(&w, 0), 4);
    assert_int_equal(tftp_window_ack(&w, 4, 0), WINDOW_SEND);
    tftp_window_sent(&w, 5, 0);
    w.last = 5;
    assert_int_equal(tftp_window_next(&w), 0);
    assert_int_equal(tftp_window_ack(&w, 5, 0), WINDOW_DONE);
}

UNIT_MAIN(cmocka_unit_test(one_block_at_a_time),
          cmocka_unit_test(options_wait_for_their_acknowledgement),
          cmocka_unit_test(copies_are_never_answered), cmocka_unit_test(goes_back_to_what_was_lost),
          cmocka_unit_test(numbers_roll_over_to_0), cmocka_unit_test(a_lost_block_at_the_roll_over),
          cmocka_unit_test(two_packets_to_a_peer_that_never_answers),
          cmocka_unit_test(acknowledgements_outside_of_the_window),
          cmocka_unit_test(gives_up_after_a_while),
          cmocka_unit_test(the_peer_may_choose_the_timeout),
          cmocka_unit_test(learns_how_quick_the_peer_is), cmocka_unit_test(an_unknown_end))
