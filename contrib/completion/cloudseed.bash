# SPDX-License-Identifier: Apache-2.0
#
# Completion of cloudseed's commands, options and node names for bash. It needs nothing but bash.

# The words of the command, without options, to words=(…); the options that say where the tree is,
# to where=(…). Bash makes three words of --seed=DIR.
_cloudseed_words() {
    local i word
    words=() where=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --all | --against | --sha256 | --role | --cluster | --mac | --address | --uuid | --serial | \
            --var | --unset | --for | --network | --timeout | --kind | --since | --sealing-key)
            [[ ${COMP_WORDS[i + 1]-} == = ]] && ((i++))
            ((++i))
            ;;
        --server | --config | --seed | --templates | --state | --assets | --url | \
            --color)
            [[ ${COMP_WORDS[i + 1]-} == = ]] && ((i++))
            ((++i < COMP_CWORD)) && where+=("$word" "${COMP_WORDS[i]/#\~/$HOME}")
            ;;
        --*) ;;
        *) words+=("$word") ;;
        esac
    done
}

_cloudseed_options() {
    echo --server --config --seed --templates --state --assets --url --color --help --version
    case "${words[*]-}" in
    'node list'*) echo --check --json --names ;;
    'node url'*) echo --json --discovery ;;
    'node add'*)
        echo --json --role --cluster --mac --address --uuid --serial --var --arm --for
        ;;
    'node discovered'*) echo --json --names ;;
    'node adopt'*) echo --json --role --cluster --address --var --arm --for ;;
    'node set'*)
        echo --json --role --cluster --mac --address --uuid --serial --var --unset
        ;;
    'node arm'* | 'node reprovision'*) echo --json --for ;;
    'node rm'* | 'node disarm'* | 'node unlock'* | 'node rekey'* | reload* | backup*)
        echo --json
        ;;
    restore*) echo --sealing-key ;;
    wait*) echo --for --timeout ;;
    events*) echo --json --kind --since --follow ;;
    'node show'* | check*) echo --json ;;
    'asset list'*) echo --json --names ;;
    'asset verify'*) echo --json ;;
    'asset add'*) echo --sha256 ;;
    render*) echo --all --json --names --provenance ;;
    dhcp*) echo --for --json --network --proxy ;;
    diff*) echo --against --each --json --markdown ;;
    esac
}

# $1 is the program as it was typed.
_cloudseed_operands() {
    case "${words[*]-}" in
    '' | help)
        echo check render diff node dhcp reference asset watch wait events known-hosts reload \
            backup restore help
        ;;
    node | 'help node')
        echo list show url add discovered adopt set rm arm disarm unlock rekey reprovision
        ;;
    render | watch* | wait* | events | known-hosts | 'node show' | 'node url' | 'node set' | 'node rm'* | \
        'node arm'* | 'node disarm'* | 'node unlock'* | 'node rekey'* | 'node reprovision'*)
        "$1" "${where[@]}" node list --names 2>/dev/null
        ;;
    'node adopt')
        # With dashes: bash takes a colon for the end of a word.
        "$1" "${where[@]}" node discovered --names 2>/dev/null | tr : -
        ;;
    'render '*)
        ((${#words[@]} == 2)) && "$1" "${where[@]}" render "${words[1]}" --names 2>/dev/null
        ;;
    asset | 'help asset') echo add list verify rm bootloaders ;;
    'asset verify'* | 'asset rm'*) "$1" "${where[@]}" asset list --names 2>/dev/null ;;
    reference) echo seed config templates ;;
    esac
}

_cloudseed_files() {
    mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
    compopt -o filenames 2>/dev/null
}

_cloudseed() {
    local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words where
    COMPREPLY=()
    if [[ $cur == = ]]; then
        cur=
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    _cloudseed_words
    case $before in
    --config | --server | --sealing-key) _cloudseed_files -f "$cur" ;;
    --seed | --templates | --state | --assets | --all | --against) _cloudseed_files -d "$cur" ;;
    --color) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur") ;;
    --kind)
        mapfile -t COMPREPLY < <(compgen -W 'created changed deleted rekeyed armed registered
            expired unlocked reprovisioned booting progress rebooted up identity joining joined
            ready failed alarm locked' -- "$cur")
        ;;
    --for)
        if [[ ${words[*]-} == dhcp ]]; then
            mapfile -t COMPREPLY < <(compgen -W 'opnsense kea dnsmasq' -- "$cur")
        fi
        ;;
    --url | --sha256 | --role | --cluster | --mac | --address | --uuid | --serial | --var | \
        --unset | --network | --timeout | --since) ;;
    *)
        if [[ $cur == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$(_cloudseed_options)" -- "$cur")
        elif [[ ${words[*]-} == check || ${words[*]-} == 'asset bootloaders' ]]; then
            _cloudseed_files -d "$cur"
        elif [[ ${words[*]-} == backup || ${words[*]-} == restore || ${words[*]-} == 'asset add' ]]; then
            _cloudseed_files -f "$cur"
        else
            mapfile -t COMPREPLY < <(compgen -W "$(_cloudseed_operands "$1")" -- "$cur")
        fi
        ;;
    esac
}

complete -F _cloudseed cloudseed
