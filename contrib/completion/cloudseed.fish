# SPDX-License-Identifier: Apache-2.0
#
# Completion of cloudseed for fish: the program says what may come next.
#
# The names of assets, files and machines are chosen by others, and must never be expanded: no eval.
# fish itself escapes what it inserts.

function __cloudseed_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l program (string replace -r -- '^~/' "$HOME/" $words[1])
    set -l before (string match -r -- '^--[^=]*=' $word)
    set -e words[1]
    set -l out (command $program complete -- $words "$word" </dev/null 2>/dev/null)
    switch "$out[1]"
        case files
            __fish_complete_path (string replace -r -- '^--[^=]*=' '' "$word") | string replace -r -- '^' "$before"
        case folders
            __fish_complete_directories (string replace -r -- '^--[^=]*=' '' "$word") | string replace -r -- '^' "$before"
        case words names
            for line in $out[2..]
                # One with a backslash was escaped: it is not the name itself. fish would expand ~.
                string match -qr -- '\\\\|^~' $line
                or printf '%s%s\n' "$before" $line
            end
    end
end

complete -c cloudseed -f -a '(__cloudseed_complete)'
