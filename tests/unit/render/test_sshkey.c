/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "render/sshkey.h"

/* Made by ssh-keygen, and by hand for a key in a token. */
#define ED "AAAAC3NzaC1lZDI1NTE5AAAAIJj0rLH/4YRaIm/xn0iCHW6JpP3XFDtgBpi7ccCe6QYs"
#define EC                                                                             \
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEAPhRM246tOlizMgGYu/34SSYcr" \
    "OIauucpUQVO7Ni8sG5x7wl+TTE7wzBwciL90ZbFeIzsRLfHHLPvcAIDZTfE="
#define RSA                                                                            \
    "AAAAB3NzaC1yc2EAAAADAQABAAAAgQCxZqoNFKbXh1mrOYFbRSoYNgE/CF8XYECGvIPNYEqhZT6Ro7Kg" \
    "S/lGKsps2SUXu169pmQAqhHvtcejn/QmEA+mvsYq/nOZXe+vyJzmYNWb5Ms/f2WAG/+NvZohE87DIJVH" \
    "DH6qSqD8M6FlvLddKGHmFEaCucfYVHXqetQ7Pp/UOQ=="
#define SK                                                                             \
    "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIJj0rLH/4YRaIm/xn0iCHW6JpP3XFDtgBpi7" \
    "ccCe6QYsAAAABHNzaDo="
#define ED_CERT                                                                        \
    "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAINJpeo7nKkjJA098ON5D48Vh5eUZ" \
    "ORPOG2qMMextkfl1AAAAIOmssf7fK+h4cDKEsJusU5QPe0K7dmnFeutnoSz4KJdfAAAAAAAAAAAAAAAB" \
    "AAAABnRoZSBpZAAAAAoAAAABdQAAAAF2AAAAAAAAAAD//////////wAAAAAAAAASAAAACnBlcm1pdC1w" \
    "dHkAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgWnUS9dXcqyemB13T/rDYxZweMXJTqKSEnjxx" \
    "ko3kj5oAAABTAAAAC3NzaC1lZDI1NTE5AAAAQDEqS0Ytm9ThMrZuggEFSpKMTwFa0Qs0IusPZEDDv82J" \
    "IvyAP9mvXOVtOBz6MR9wXD3If4GXN6WARYdbcsmJ1A8="
#define RSA_CERT                                                                       \
    "AAAAHHNzaC1yc2EtY2VydC12MDFAb3BlbnNzaC5jb20AAAAg3Whb2tO2Gl+R4tFuTAWdsSOSXF8/oMYN" \
    "QvrzN5IXTVoAAAADAQABAAAAgQCv1JwBcRJEBGHeSC3Su7WE59gMKZStWFqOUIEl++Ou17a38DrXj/cX" \
    "dC2OHytYEBWzRwvwnha3Ym8g31kLphkKbqAVP5RU/UopDrU8NnQmSCig6x7P1Cz3R3FsRXGwGw5hlA4l" \
    "4Q7m3z4Tix7yp1Z0OAy8D3AQiyXBNeJyBGwSEwAAAAAAAAAAAAAAAQAAAAZ0aGUgaWQAAAAKAAAAAXUA" \
    "AAABdgAAAAAAAAAA//////////8AAAAAAAAAEgAAAApwZXJtaXQtcHR5AAAAAAAAAAAAAAAzAAAAC3Nz" \
    "aC1lZDI1NTE5AAAAIFp1EvXV3Ksnpgdd0/6w2MWcHjFyU6ikhJ48cZKN5I+aAAAAUwAAAAtzc2gtZWQy" \
    "NTUxOQAAAECUDd3vvec6/aQ04bzZNbRBgnrQNqnOCH1txmLH+oTowk9AoIPiWEklKw6p+YiXfTDE2O27" \
    "NTyJZgvLJketsR0N"
#define EC_CERT                                                                        \
    "AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAAAg2Le0gNT14Mo3wNSt" \
    "HbHRTqnxy5IRvSNfwcfqDNT1XCoAAAAIbmlzdHAyNTYAAABBBIivCyzTiPWOEA82Z4TUwDUEbeCN40E7" \
    "8kW/SjkIsQGCmrST1pTYtmABR54C9toZSdMQBQbk80XIgEwu+PMPBnQAAAAAAAAAAAAAAAEAAAAGdGhl" \
    "IGlkAAAACgAAAAF1AAAAAXYAAAAAAAAAAP//////////AAAAAAAAABIAAAAKcGVybWl0LXB0eQAAAAAA" \
    "AAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACBadRL11dyrJ6YHXdP+sNjFnB4xclOopISePHGSjeSPmgAA" \
    "AFMAAAALc3NoLWVkMjU1MTkAAABAPD5cs9ew4MQf52QBOOBrOK6xkGpGG2au2UgYevdsv3TMadR0T7kN" \
    "RTUbwuyl0jvEYQupLmmka8Mi0dENJ6eqBQ=="
#define NO_KEY "is not an SSH public key, like 'ssh-ed25519 AAAA… who@where'"
#define NO_BASE64 "is not an SSH public key: the text after its type is not complete base64"
#define OTHER_TYPE "is not a public key of the type that it begins with"
#define CUT_OFF "is a public key that was cut off"

static void keys_of_all_types(void **state)
{
    static const char *const keys[] = {
        "ssh-ed25519 " ED,
        "  ssh-ed25519\t" ED " who@where and more\n",
        "ecdsa-sha2-nistp256 " EC " e",
        "ssh-rsa " RSA,
        "sk-ssh-ed25519@openssh.com " SK " token",
        "no-pty ssh-rsa " RSA,
        "from=\"10.0.0.0/8,*.x\",command=\"a \\\"b c\\\" d\",no-pty  ssh-ed25519 " ED " x",
        "cert-authority ssh-ed25519 " ED,
        "ssh-ed25519-cert-v01@openssh.com " ED_CERT " who@where",
        "ssh-rsa-cert-v01@openssh.com " RSA_CERT,
        "ecdsa-sha2-nistp256-cert-v01@openssh.com " EC_CERT,
    };
    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *why = sshkey_rule(str_from(keys[i]));
        if (why)
            fail_msg("%s: %s", keys[i], why);
    }
}

static void what_is_no_key(void **state)
{
    static const char *const cases[][2] = {
        {"", "is empty"},
        {" \n", "is empty"},
        {"ssh-ed25519", NO_KEY},
        {ED, NO_KEY},
        {"foo bar", NO_KEY},
        {"foo bar baz", NO_KEY},
        {"# ssh-ed25519", NO_KEY},
        {"no-pty no-x ssh-ed25519 " ED, NO_KEY},
        {"command=\"a ssh-ed25519 " ED, NO_KEY},
        {"ssh-ed25519 \n" ED, "holds several lines; one key to an item"},
        {"-----BEGIN OPENSSH PRIVATE KEY-----", "is a private key; the public one belongs here"},
        {"ssh-ed25519 x", NO_BASE64},
        {"ssh-ed25519-cert-v01@openssh.com " ED, OTHER_TYPE},
        {"ssh-ed25519 ====", NO_BASE64},
        {"ssh-ed25519 AA=A", NO_BASE64},
        {"ssh-ed25519 A===", NO_BASE64},
        {"ssh-ed25519 \"" ED "\"", NO_BASE64},
        {"ssh-ed25519 AAAAC3Nza who@where", NO_BASE64},
        {"ssh-ed25519 AA==", OTHER_TYPE},
        {"ssh-ed25519 AAAA", OTHER_TYPE},
        {"ssh-ed25519 /////w==", OTHER_TYPE},
        {"ssh-rsa " ED, OTHER_TYPE},
        {"ssh-ed25518 " ED, OTHER_TYPE},
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", CUT_OFF},
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG0Vy1hs", CUT_OFF},
        {"ssh-ed25519 " ED "AAAA", CUT_OFF},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *why = sshkey_rule(str_from(cases[i][0]));
        if (!why || strcmp(why, cases[i][1]) != 0)
            fail_msg("%s: %s", cases[i][0], why ? why : "a key");
    }
}

UNIT_MAIN(cmocka_unit_test(keys_of_all_types), cmocka_unit_test(what_is_no_key))
