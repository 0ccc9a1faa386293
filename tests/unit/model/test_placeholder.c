/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "model/placeholder.h"

static void uuids_that_many_boards_share(void **state)
{
    (void)state;
    static const char *const shared[] = {
        "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "03000200-0400-0500-0006-000700080009",
        "00020003-0004-0005-0006-000700080009", /* the same, as other firmware prints it */
        "12345678-1234-5678-90AB-CDDEEFAABBCC", "78563412-3412-7856-90ab-cddeefaabbcc",
        "11111111-1111-1111-1111-111111111111", "20202020-2020-2020-2020-202020202020",
    };
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        if (!placeholder_uuid_text(str_from(shared[i])))
            fail_msg("%s identifies a machine", shared[i]);
    }
    static const char *const own[] = {
        "4c4c4544-0042-4810-8054-b4c04f4d5132",
        "6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1",
        "03000200-0400-0500-0006-00070008000a",
        "",
        "none",
    };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (placeholder_uuid_text(str_from(own[i])))
            fail_msg("%s identifies no machine", own[i]);
    }
}

static void serials_that_nobody_has_set(void **state)
{
    (void)state;
    static const char *const shared[] = {
        "To Be Filled By O.E.M.",
        "to be filled by o.e.m. ",
        "TO BE FILLED BY OEM",
        "To be  filled by O. E. M",
        "To_Be_Filled_By_O.E.M.",
        "Default string",
        "DefaultString",
        "<None>",
        "None",
        "System Serial Number",
        "Not Specified",
        "0123456789",
        "0",
        "00000000",
        "........",
        "XXXXXXXX",
        "xx-XX-xx",
        "00:00:00",
        "",
        "\xff\xff\xff\xff",
        "   ",
    };
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        if (!placeholder_serial(str_from(shared[i])))
            fail_msg("'%s' identifies a machine", shared[i]);
    }
    static const char *const own[] = {"PF3X92K",    "CN7016",   "Nonesuch",    "1234567891",
                                      "0123456780", "\xc3\xa4", "none\xc3\xa4"};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (placeholder_serial(str_from(own[i])))
            fail_msg("'%s' identifies no machine", own[i]);
    }
}

UNIT_MAIN(cmocka_unit_test(uuids_that_many_boards_share),
          cmocka_unit_test(serials_that_nobody_has_set))
