# SPDX-License-Identifier: Apache-2.0
#
# Completion of cloudseed's commands, options and node names for bash. It needs nothing but bash.
#
# The names of assets, files and machines are chosen by others, and must never be expanded: no eval,
# no compgen (its -W expands each word). A name is offered quoted, or left out.

# The first $1 words of the line: those of the command, without options, to words=(…); the options
# that say where the tree is, to where=(…). Bash makes three words of --seed=DIR.
_cloudseed_words() {
    local i word
    words=() where=()
    for ((i = 1; i < $1; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --all | --against | --sha256 | --role | --cluster | --mac | --address | --uuid | --serial | \
            --var | --unset | --for | --network | --timeout | --kind | --since | --sealing-key | \
            --pve | --token-file | --vmid | --name | --fingerprint | --pool | --bridge | --vlan | \
            --template | --image | --images | --host | --storage | --kubeconfig | --context)
            [[ ${COMP_WORDS[i + 1]-} == = ]] && ((i++))
            ((++i))
            ;;
        --server | --config | --seed | --templates | --state | --assets | --url | \
            --color)
            [[ ${COMP_WORDS[i + 1]-} == = ]] && ((i++))
            ((++i < $1)) && _cloudseed_unquote "${COMP_WORDS[i]}" &&
                where+=("$word" "$home$typed")
            ;;
        --*) ;;
        *) words+=("$word") ;;
        esac
    done
}

# Sets typed= to what the word says without its quotes, quote= to the quote that is still open, and
# home= to the folder if the word begins with ~/. Fails if bash would expand anything else in it, or
# if quotes begin or end in its middle.
_cloudseed_unquote() {
    local i char word=$1
    typed='' quote='' home=''
    case $word in
    \~/*) home=$HOME/ word=${word:2} ;;
    \~*) return 1 ;;
    [\"\']*) quote=${word::1} word=${word:1} ;;
    esac
    for ((i = 0; i < ${#word}; i++)); do
        char=${word:i:1}
        if [[ $quote && $char == "$quote" ]]; then
            quote=''
            ((i + 1 == ${#word}))
            return
        elif [[ $char == \\ && $quote != \' ]]; then
            ((++i))
            char=${word:i:1}
            [[ ! $quote || $char == [\"\\\$\`] ]] || typed+=\\
        elif [[ $quote != \' && $char == [\$\`] ]] || [[ ! $quote && $char == [\"\'] ]]; then
            return 1
        fi
        typed+=$char
    done
}

# Whether $1 has characters that nobody sees, or that change how a terminal shows the others.
_cloudseed_is_hidden() {
    local LC_ALL=C
    case $1 in
    *[[:cntrl:]]* | *$'\xc2'[$'\x80'-$'\x9f']* | *$'\xd8\x9c'* | *$'\xe2\x80'[$'\x8b'-$'\x8f']* | \
        *$'\xe2\x80'[$'\xa8'-$'\xae']* | *$'\xe2\x81'[$'\xa0'-$'\xaf']* | *$'\xef\xbb\xbf'*) ;;
    *) return 1 ;;
    esac
}

# Offers the name $1 if it begins with what was typed; $2 goes before it and is not quoted.
_cloudseed_offer() {
    local name=${1#"$attached"}
    [[ $1 == "$attached$typed"* && $1 != -* ]] || return 0
    if [[ $name == *[!A-Za-z0-9._/:+,-]* ]]; then
        _cloudseed_is_hidden "$name" && return 0
        case $quote in
        '')
            printf -v name %q "$name"
            [[ $name != \$\'* ]] || return 0
            name=${name//=/\\=}
            name=${name//@/\\@}
            ;;
        \') [[ $name != *\'* ]] || return 0 ;;
        *) [[ $name != *[\"\\\$\`\!]* ]] || return 0 ;;
        esac
    fi
    COMPREPLY+=("${2-}$name")
}

# Offers the names that the command prints, one a line. One with a backslash was escaped: it is not
# the name itself.
_cloudseed_names() {
    local name
    while IFS= read -r name; do
        [[ $name == *\\* ]] || _cloudseed_offer "$name"
    done < <("$@" </dev/null 2>/dev/null)
}

# Offers words of ours.
_cloudseed_fixed() {
    local word
    for word; do
        [[ $word == "$typed"* && ! $quote ]] && COMPREPLY+=("$word")
    done
}

# Offers files; only folders with -d. Within the only one that is left, completion can go on.
_cloudseed_files() {
    local name last=''
    for name in "$home$attached$typed"*; do
        [[ ${1-} == -d && -d $name || ${1-} != -d && -e $name ]] || continue
        _cloudseed_offer "${name#"$home"}" "${home:+\~/}"
        [[ ${#COMPREPLY[@]} == 0 || $last ]] || last=$name
    done
    if [[ ${#COMPREPLY[@]} == 1 && -d $last ]] && compopt -o nospace 2>/dev/null; then
        COMPREPLY[0]+=/
    fi
}

_cloudseed_options() {
    local options=(--server --config --seed --templates --state --assets --url --color --utc --help
        --version)
    case "${words[*]-}" in
    'node list'*) options+=(--check --json --names --wide) ;;
    'node url'*) options+=(--json --discovery --smbios) ;;
    'node add'*)
        options+=(--json --role --cluster --mac --address --uuid --serial --var --arm --for)
        ;;
    'node discovered'* | 'cluster list'*) options+=(--json --names --wide) ;;
    'node join'*) options+=(--json --dry-run) ;;
    'cluster adopt'*)
        options+=(--json --kubeconfig --context --hardened --replace-ca --dry-run)
        ;;
    'node adopt'*) options+=(--json --role --cluster --no-uuid --address --var --arm --for) ;;
    'node set'*)
        options+=(--json --role --cluster --mac --address --uuid --serial --var --unset)
        ;;
    'node arm'* | 'node reprovision'*) options+=(--json --for) ;;
    'node rm'* | 'node disarm'* | 'node unlock'* | 'node accept-keys'* | 'node rekey'* | \
        reload* | backup* | 'server acknowledge'* | 'ca renew'*)
        options+=(--json)
        ;;
    restore*) options+=(--sealing-key) ;;
    'ca show'*) options+=(--json --pem) ;;
    'ca rotate'*) options+=(--json --now) ;;
    wait*) options+=(--for --timeout) ;;
    events*) options+=(--json --kind --since --follow) ;;
    'node show'* | 'cluster show'* | 'cluster certs'* | 'cluster reset'*)
        options+=(--json)
        ;;
    check*) options+=(--json --deep) ;;
    'cluster harden'*) options+=(--json --off) ;;
    'asset list'*) options+=(--json --names --wide) ;;
    'pve login'*) options+=(--name --fingerprint --token-file) ;;
    'pve check'*) options+=(--json --pve --token-file --pool --bridge --vlan --template) ;;
    'pve list'*) options+=(--json --wide --pve --token-file) ;;
    'pve template'*)
        options+=(--json --pve --token-file --dry-run --image --sha256 --host --storage --images \
            --pool --bridge --uefi)
        ;;
    'pve create'*) options+=(--pve --token-file --no-start --for) ;;
    'pve destroy'*) options+=(--pve --token-file --yes --ready --with-data) ;;
    'pve rebuild'*) options+=(--pve --token-file --yes --drained --template --for) ;;
    'pve register'*) options+=(--json --pve --token-file --vmid --for) ;;
    'pve unregister'*) options+=(--json --pve --token-file --vmid) ;;
    'pve start'*) options+=(--pve --token-file --vmid) ;;
    'pve stop'*) options+=(--pve --token-file --vmid --hard) ;;
    'asset verify'*) options+=(--json) ;;
    'asset add'*) options+=(--sha256) ;;
    render*) options+=(--all --json --names --provenance) ;;
    dhcp*) options+=(--for --json --network --proxy) ;;
    diff*) options+=(--against --each --json --markdown) ;;
    esac
    _cloudseed_fixed "${options[@]}"
}

# $1 is the program as it was typed.
_cloudseed_operands() {
    case "${words[*]-}" in
    '' | help)
        _cloudseed_fixed check render diff node dhcp reference asset pve cluster watch wait events \
            known-hosts reload backup restore server ca help
        ;;
    node | 'help node')
        _cloudseed_fixed list show url add discovered adopt set rm arm disarm unlock rekey \
            accept-keys join reprovision
        ;;
    render | watch* | wait* | events | known-hosts | 'node show' | 'node url' | 'node set' | 'node rm'* | \
        'node arm'* | 'node join'* | 'node disarm'* | 'node unlock'* | 'node accept-keys'* | \
        'node rekey'* | 'node reprovision'* | 'pve create' | 'pve destroy' | 'pve rebuild' | \
        'pve register' | 'pve unregister' | 'pve start' | 'pve stop')
        _cloudseed_names "$1" "${where[@]}" node list --names
        ;;
    'node adopt')
        # With dashes: bash takes a colon for the end of a word.
        _cloudseed_names _cloudseed_machines "$1"
        ;;
    'render '*)
        ((${#words[@]} == 2)) && [[ ${words[1]} != -* ]] &&
            _cloudseed_names "$1" "${where[@]}" render "${words[1]}" --names
        ;;
    server | 'help server') _cloudseed_fixed acknowledge ;;
    ca | 'help ca') _cloudseed_fixed show renew rotate ;;
    pve | 'help pve') _cloudseed_fixed login check list template create destroy rebuild register unregister \
        start stop ;;
    cluster | 'help cluster') _cloudseed_fixed list show kubeconfig adopt certs harden reset ;;
    'cluster show' | 'cluster kubeconfig' | 'cluster adopt' | 'cluster certs' | 'cluster harden' | 'cluster reset')
        _cloudseed_names "$1" "${where[@]}" cluster list --names
        ;;
    asset | 'help asset') _cloudseed_fixed add list verify rm bootloaders ;;
    'asset verify'* | 'asset rm'*) _cloudseed_names "$1" "${where[@]}" asset list --names ;;
    reference) _cloudseed_fixed seed config templates ;;
    esac
}

_cloudseed_machines() {
    "$1" "${where[@]}" node discovered --names | tr : -
}

_cloudseed() {
    local cur=${COMP_WORDS[COMP_CWORD]} at=$((COMP_CWORD - 1)) before words where
    local typed quote home attached=''
    COMPREPLY=()
    if [[ $cur == [=:] ]]; then
        cur=''
        at=$COMP_CWORD
    fi
    case ${COMP_WORDS[at]} in
    =) ((at--)) ;;
    :)
        attached=${COMP_WORDS[at - 1]}:
        ((at -= 2))
        ;;
    esac
    before=${COMP_WORDS[at]}
    _cloudseed_words $((at + 1))
    _cloudseed_unquote "$cur" || return
    case $before in
    --config | --server | --sealing-key | --kubeconfig | --token-file) _cloudseed_files ;;
    --seed | --templates | --state | --assets | --all | --against) _cloudseed_files -d ;;
    --color) _cloudseed_fixed auto always never ;;
    --kind)
        _cloudseed_fixed created changed deleted rekeyed armed registered expired unlocked \
            reprovisioned booting progress rebooted up identity joining joined ready not-ready \
            ready-again approved failed alarm locked state-behind state-acknowledged
        ;;
    --for)
        if [[ ${words[*]-} == dhcp ]]; then
            _cloudseed_fixed opnsense kea dnsmasq
        fi
        ;;
    --url | --sha256 | --role | --cluster | --mac | --address | --uuid | --serial | --var | \
        --unset | --network | --timeout | --since | --context | --pve | --vmid | --name | \
        --fingerprint | --pool | --bridge | --vlan | --template | --image | --images | --host | \
        --storage) ;;
    *)
        if [[ $cur == -* ]]; then
            _cloudseed_options
        elif [[ ${words[*]-} == check || ${words[*]-} == 'asset bootloaders' ]]; then
            _cloudseed_files -d
        elif [[ ${words[*]-} == backup || ${words[*]-} == restore || ${words[*]-} == 'asset add' ]]; then
            _cloudseed_files
        else
            _cloudseed_operands "$1"
        fi
        ;;
    esac
}

complete -F _cloudseed cloudseed
