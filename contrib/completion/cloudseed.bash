# SPDX-License-Identifier: Apache-2.0
#
# Completion of cloudseed for bash, which needs nothing but bash: the program says what may come next.
#
# The names of assets, files and machines are chosen by others, and must never be expanded: no eval,
# no compgen (its -W expands each word). A name is offered quoted, or left out.

# The words up to the cursor, without quotes, to line=(…). Bash makes several words of one that has
# = or : in it. typed=, quote= and home= are about the last piece, attached= is what is before it in
# its word. Fails if bash would expand anything in the last word, or if one before it cannot be read.
_cloudseed_line() {
    local i word glue=''
    line=()
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == [=:] && ${#line[@]} != 0 ]]; then
            line[-1]+=$word
            glue=$word typed='' quote='' home=''
            continue
        fi
        _cloudseed_unquote "$word" || return
        if [[ $glue ]]; then
            line[-1]+=$home$typed
        else
            line+=("$home$typed")
        fi
        glue=''
    done
    attached=${line[-1]%"$home$typed"}
    [[ $attached != --*=* ]] || attached=${attached#*=}
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

# Offers words of ours, without what is behind the tab.
_cloudseed_fixed() {
    local word
    while IFS=$'\t' read -r word _; do
        [[ $word == "$attached$typed"* && ! $quote ]] && COMPREPLY+=("${word#"$attached"}")
    done
}

# Offers others' names. One with a backslash was escaped: it is not the name itself.
_cloudseed_names() {
    local name
    while IFS= read -r name; do
        [[ $name == *\\* ]] || _cloudseed_offer "$name"
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

# $1 is the program as it was typed.
_cloudseed() {
    local form line typed quote home attached
    COMPREPLY=()
    _cloudseed_line || return 0
    {
        IFS= read -r form
        case $form in
        words) _cloudseed_fixed ;;
        names) _cloudseed_names ;;
        files) _cloudseed_files ;;
        folders) _cloudseed_files -d ;;
        esac
    } < <("$1" complete -- "${line[@]}" </dev/null 2>/dev/null)
}

complete -F _cloudseed cloudseed
