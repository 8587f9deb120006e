"""A hostile lite server beside an honest one: what it can say, whom that fools, and that it is not believed here.

A test takes one lie. It shows first that the unmodified client library believes it, where it does; then that the
adapter refuses it for the right reason, counts that and puts the server aside, that the invoice stays as it is, and
that the real payment is credited through the honest server.

The holes of the library that have numbers here:

 1  a config that is not the trusted block's          chain_lies.ChainOfItsOwn
 2  one signature counted often                       chain_lies.OneSignerCountedOften (and TwoThirds)
 3  exotic cells that lie                             account_lies.ForgedState
 4  absence without proof                             account_lies.NoAccount, NoAccountBesideItsProof
 5  another workchain                                 account_lies.MasterchainAccount
 6  pruned branches where data is expected            history_lies.with_messages_pruned, with_comment_pruned
 7  remote get-methods                                other_lies.AnotherWallet
 8  a config without its proof                        other_lies.AnotherConfig
 9  shards without their proof                        other_lies.AnotherShard, account_lies.AnotherShardBlock
10  histories with gaps                               history_lies.without_one, only_the_newest, empty
11  proofs without steps                              chain_lies.NoSteps
12  cells that unfold without end                     account_lies.SharedCells, unfolding
13  back to old validators, and forward               chain_lies.OldSignersByTheBackDoor
14  an old block under a new number                   chain_lies.OldBlockRenumbered
"""
