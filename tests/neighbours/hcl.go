// SPDX-License-Identifier: Apache-2.0

// Prints what HCL files hold as JSON: {"file": [["block", ["labels"], [attributes], [blocks]], …]}.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// An attribute is its name and the source of its value.
func blocks(list hclsyntax.Blocks, src []byte) []interface{} {
	found := []interface{}{}
	for _, b := range list {
		names := []string{}
		for name := range b.Body.Attributes {
			names = append(names, name)
		}
		sort.Strings(names)
		values := map[string]string{}
		for _, name := range names {
			values[name] = string(b.Body.Attributes[name].Expr.Range().SliceBytes(src))
		}
		found = append(found, []interface{}{b.Type, b.Labels, values, blocks(b.Body.Blocks, src)})
	}
	return found
}

func main() {
	files := map[string]interface{}{}
	for _, name := range os.Args[1:] {
		src, err := os.ReadFile(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		file, diags := hclsyntax.ParseConfig(src, name, hcl.Pos{Line: 1, Column: 1})
		if diags.HasErrors() {
			fmt.Fprintln(os.Stderr, diags.Error())
			os.Exit(1)
		}
		files[name] = blocks(file.Body.(*hclsyntax.Body).Blocks, src)
	}
	json.NewEncoder(os.Stdout).Encode(files)
}
