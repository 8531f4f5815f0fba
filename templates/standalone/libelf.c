/*
 * Debian 13 builds libelf 0.192 so that its static archive calls functions that are in none. These are they, for where they are missing: trees
 * of tsearch(3). The tree's root comes first in its struct; nothing else of it is touched.
 */
struct search_tree {
	void *root;
};

typedef int compare_nodes(const void *, const void *);

void eu_search_tree_init(struct search_tree *tree) __attribute__((weak));
void eu_search_tree_fini(struct search_tree *tree, void (*free_node)(void *)) __attribute__((weak));
void *eu_tsearch(const void *key, struct search_tree *tree, compare_nodes *compare) __attribute__((weak));
void *eu_tfind(const void *key, struct search_tree *tree, compare_nodes *compare) __attribute__((weak));
void *eu_tdelete(const void *key, struct search_tree *tree, compare_nodes *compare) __attribute__((weak));

void eu_search_tree_init(struct search_tree *tree)
{
	tree->root = NULL;
}

void eu_search_tree_fini(struct search_tree *tree, void (*free_node)(void *))
{
	tdestroy(tree->root, free_node);
	tree->root = NULL;
}

void *eu_tsearch(const void *key, struct search_tree *tree, compare_nodes *compare)
{
	return tsearch(key, &tree->root, compare);
}

void *eu_tfind(const void *key, struct search_tree *tree, compare_nodes *compare)
{
	return tfind(key, &tree->root, compare);
}

void *eu_tdelete(const void *key, struct search_tree *tree, compare_nodes *compare)
{
	return tdelete(key, &tree->root, compare);
}
